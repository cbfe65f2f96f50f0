//! Why a socket could not be connected, until somebody is told. The crates above take every connect for done once its
//! socket can be written to, and ask no more; so whoever reads or writes next has to be told.
//!
//! An HTTP client looks whether its peer has left before it hands over the request, and forgets what it hears then. So
//! a reader is told to wait, some times, and is woken again at once: by then the request is being written, and its
//! writer is told.

/// So often a reader is told to wait. Between the first time and the request's writing lie two turns of the runtime.
const PATIENCE: u8 = 3;

/// What is known of one socket.
pub struct Refusal {
    /// It is no client's, and nothing has been written: an error means that it could not be connected.
    may_come: bool,
    /// As an errno. 0: none, or somebody has been told.
    error: u16,
    patience: u8,
}

impl Refusal {
    /// That of a new socket. One that was accepted is connected.
    pub fn new(accepted: bool) -> Refusal {
        Refusal { may_come: !accepted, error: 0, patience: PATIENCE }
    }

    /// Whether the socket may turn out not to be connected.
    pub fn may_come(&self) -> bool {
        self.may_come
    }

    /// Whether there is one that nobody has been told of.
    pub fn is_known(&self) -> bool {
        self.error != 0
    }

    /// Bytes were written: it is connected.
    pub fn written(&mut self) {
        self.may_come = false;
    }

    /// Its connect has failed.
    pub fn connect_failed(&mut self, errno: u16) {
        self.error = errno;
    }

    /// Nothing was there to be read: `errno`, or the end if it is 0. What the reader is to be told, as an errno.
    pub fn read_failed(&mut self, errno: u16) -> u16 {
        let is_error = errno != 0 && i32::from(errno) != libc::EAGAIN;
        if self.may_come && self.error == 0 && is_error {
            self.error = errno; // that of a far peer: its connect was still under way
        }
        if self.error == 0 {
            return errno;
        }
        match self.patience.checked_sub(1) {
            Some(patience) => {
                self.patience = patience;
                libc::EAGAIN as u16
            }
            None => self.take(),
        }
    }

    /// The error, for whoever is told.
    pub fn take(&mut self) -> u16 {
        std::mem::take(&mut self.error)
    }
}
