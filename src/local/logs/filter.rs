//! Filter patterns: terms over plain text.
//!
//! All plain terms must be in the message, one of the `?terms` if there are any, none of the `-terms`; `"..."` holds a
//! phrase together. Case counts. Patterns over JSON (`{`), columns (`[`) and regular expressions (`%`) are refused.
//!
//! Source: CloudWatch Logs user guide, "Filter pattern syntax", unstructured log events.

/// A pattern that this server can apply.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Filter {
    all: Vec<String>,
    any: Vec<String>,
    none: Vec<String>,
}

impl Filter {
    /// Reads a pattern; the error says what is not understood.
    pub(super) fn parse(pattern: &str) -> Result<Self, String> {
        let pattern = pattern.trim();
        if let Some(mark) = pattern
            .chars()
            .next()
            .filter(|it| matches!(it, '{' | '[' | '%'))
        {
            return Err(format!(
                "filterPattern `{pattern}` begins with `{mark}`: the local CloudWatch Logs matches plain terms, \"quoted phrases\", ?either ?or and -not"
            ));
        }
        let mut filter = Self::default();
        let mut rest = pattern;
        while !rest.is_empty() {
            let (list, term) = match rest.strip_prefix('?') {
                Some(term) => (&mut filter.any, term),
                None => match rest.strip_prefix('-') {
                    Some(term) => (&mut filter.none, term),
                    None => (&mut filter.all, rest),
                },
            };
            let (term, after) = take_term(term)?;
            list.push(term.to_owned());
            rest = after.trim_start();
        }
        Ok(filter)
    }

    /// True if the message is one that the pattern asks for.
    pub(super) fn matches(&self, message: &str) -> bool {
        let has = |term: &String| message.contains(term.as_str());
        self.all.iter().all(has)
            && (self.any.is_empty() || self.any.iter().any(has))
            && !self.none.iter().any(has)
    }
}

fn take_term(text: &str) -> Result<(&str, &str), String> {
    match text.strip_prefix('"') {
        Some(quoted) => quoted
            .split_once('"')
            .ok_or_else(|| format!("the quote before `{quoted}` is not closed")),
        None => Ok(text.split_once(char::is_whitespace).unwrap_or((text, ""))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_are_all_needed_and_minus_forbids() {
        let filter = Filter::parse("train-rmse -debug \"early stop\"").unwrap();
        assert!(filter.matches("early stop train-rmse:1"));
        assert!(!filter.matches("stop early train-rmse:1"));
        assert!(!filter.matches("debug early stop train-rmse:1"));
        assert!(Filter::parse("").unwrap().matches("anything"));
    }

    #[test]
    fn question_marks_are_alternatives() {
        let filter = Filter::parse("?warn ?error").unwrap();
        assert!(filter.matches("an error") && filter.matches("warn") && !filter.matches("info"));
    }

    #[test]
    fn refuses_what_it_would_get_wrong() {
        assert!(
            Filter::parse("{ $.a = 1 }")
                .unwrap_err()
                .contains("plain terms")
        );
        assert!(Filter::parse("\"open").unwrap_err().contains("not closed"));
    }
}
