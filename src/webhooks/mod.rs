//! Hears of the changes of others.

/// Who may tell us.
pub struct Settings {
    /// What senders sign with, or send as their token (`EVENT_SECRET`).
    pub secret: Option<String>,
    /// The token of a Dapr sidecar (`APP_API_TOKEN`).
    pub app_api_token: Option<String>,
    /// The origins that the handshake lets in.
    pub allowed_origins: Vec<String>,
}

/// Reads `EVENT_SECRET`.
///
/// # Errors
/// What is wrong, without quoting it.
pub fn secret(text: &str) -> Result<String, String> {
    Ok(text.to_owned())
}

/// Reads `APP_API_TOKEN`.
///
/// # Errors
/// What is wrong, without quoting it.
pub fn token(text: &str) -> Result<String, String> {
    Ok(text.to_owned())
}
