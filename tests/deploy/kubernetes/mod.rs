//! The manifests in deploy/kubernetes: valid, fitting together, and played by podman, with these tests in the kubelet's
//! part (probes, preStop). deploy/kubernetes/README.md says what of them nothing here can show.

mod manifests;
mod pod;
