//! Puts other lines in place of some of a file's, which are found by the line before them.

/// Replaces what stands between the line `first` and the next line that is `last`, spaces aside.
///
/// # Errors
/// When there is no such place.
pub fn replace(text: &mut String, first: &str, last: &str, lines: &[String]) -> Result<(), String> {
    let old: Vec<&str> = text.lines().collect();
    let place = old.iter().position(|line| line.trim() == first).and_then(|begin| {
        let length = old[begin + 1..].iter().position(|line| line.trim() == last)?;
        Some((begin + 1, begin + 1 + length))
    });
    let Some((begin, end)) = place else {
        return Err(format!("there is no line '{first}' with a line '{last}' after it"));
    };
    let mut new: Vec<&str> = old[..begin].to_vec();
    new.extend(lines.iter().map(String::as_str));
    new.extend(&old[end..]);
    *text = new.join("\n") + "\n";
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::replace;

    #[test]
    fn only_the_lines_between_are_replaced() {
        let mut text = "a {\n  1\n}\nb {\n  2\n  3\n}\n".to_string();

        replace(&mut text, "b {", "}", &["  4".to_string()]).unwrap();

        assert_eq!(text, "a {\n  1\n}\nb {\n  4\n}\n");
        assert!(replace(&mut text, "c {", "}", &[]).is_err());
    }
}
