//! README's tax service, run as it stands there.

use crate::{
    readme::{Program, curl},
    support::TestApp,
};

#[test]
#[ignore = "needs Python: make test-peers"]
fn the_tax_service_of_readme_is_asked() {
    let tax = Program::start("tax.py", "9001");
    let app = TestApp::start_with(&[("TAX_SERVICE_URL", &tax.url())]);

    let (prints, says) = curl("\"order_id\": 7", &app);

    assert_eq!(prints, says);
}
