//! What the pages say of orders alone.

use crate::docs::{Program, make_up, run_curls};

const CALL: &str = "docs/call-a-service.md";

#[test]
#[ignore = "needs Python: make test-peers"]
fn the_tax_service_of_the_page_is_asked() {
    let tax = Program::start(CALL, "tax.py", "9001");
    let app = make_up(CALL, "TAX_SERVICE_URL=", |value| value.replace("9001", &tax.port.to_string()));

    run_curls(CALL, "/orders -d", &app);
}
