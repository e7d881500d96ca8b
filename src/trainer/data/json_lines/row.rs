//! One row of JSON: its cells in the order of CSV, and where each stands.
//!
//! Invariant: a line is walked over once, and nothing is built of it but numbers; the first byte that does not fit is told.

use super::super::number::{parse_finite, parse_plain, shown};
use super::{JsonProblem, Refusal};

/// The cells of a line, in the order of CSV.
#[derive(Debug, Default)]
pub(super) struct Cells {
    pub(super) values: Vec<f32>,
    /// Where in the line each stands.
    tokens: Vec<(usize, usize)>,
}

impl Cells {
    pub(super) fn token<'a>(&self, line: &'a [u8], column: usize) -> &'a [u8] {
        let (start, end) = self.tokens[column];
        &line[start..end]
    }

    pub(super) fn read(&mut self, line: &[u8], weighted: bool) -> Result<(), Refusal> {
        self.values.clear();
        self.tokens.clear();
        let mut walk = Walk { line, at: 0 };
        match line.first() {
            Some(b'[') => walk.array(self)?,
            Some(b'{') => self.object(&mut walk, weighted)?,
            _ => return Err((None, walk.unexpected("`[` or `{`"))),
        }
        walk.blanks();
        if walk.at == line.len() {
            Ok(())
        } else {
            Err((None, walk.unexpected("the end of the line")))
        }
    }

    fn push(&mut self, (value, token): (f32, (usize, usize))) {
        self.values.push(value);
        self.tokens.push(token);
    }

    fn object(&mut self, walk: &mut Walk<'_>, weighted: bool) -> Result<(), Refusal> {
        let n_leading = 1 + usize::from(weighted);
        let missing = (f32::NAN, (0, 0));
        (0..n_leading).for_each(|_| self.push(missing));
        let mut seen = [false; 3];
        walk.at += 1;
        loop {
            let (idx, name) = walk.key(weighted).map_err(|it| (None, it))?;
            if std::mem::replace(&mut seen[idx], true) {
                return Err((None, JsonProblem::Twice(name)));
            }
            if name == "features" {
                walk.features(self)?;
            } else {
                let cell = walk.cell().map_err(|it| (Some(idx), it))?;
                (self.values[idx], self.tokens[idx]) = cell;
            }
            if walk.ends(b'}').map_err(|it| (None, it))? {
                break;
            }
        }
        let needed = [("label", true), ("weight", weighted), ("features", true)];
        match needed.iter().zip(seen).find(|((_, it), seen)| *it && !seen) {
            Some(((name, _), _)) => Err((None, JsonProblem::NoKey(name))),
            None => Ok(()),
        }
    }
}

/// A walk over a line.
#[derive(Clone, Copy)]
struct Walk<'a> {
    line: &'a [u8],
    at: usize,
}

impl Walk<'_> {
    fn blanks(&mut self) {
        while self.line.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
    }

    fn unexpected(&self, expected: &'static str) -> JsonProblem {
        JsonProblem::Syntax {
            found: shown(&self.line[self.at.min(self.line.len())..]),
            expected,
        }
    }

    /// Steps over a comma, or over what closes; true if it closes.
    fn ends(&mut self, closing: u8) -> Result<bool, JsonProblem> {
        self.blanks();
        match self.line.get(self.at) {
            Some(&it) if it == closing => {
                self.at += 1;
                Ok(true)
            }
            Some(b',') => {
                self.at += 1;
                Ok(false)
            }
            _ if closing == b']' => Err(self.unexpected("`,` or `]`")),
            _ => Err(self.unexpected("`,` or `}`")),
        }
    }

    /// A name in quotes.
    fn name(&mut self) -> Result<&[u8], JsonProblem> {
        self.blanks();
        let start = self.at + 1;
        let quoted = (self.line.get(self.at) == Some(&b'"'))
            .then(|| memchr::memchr(b'"', &self.line[start..]))
            .flatten();
        let Some(n_bytes) = quoted else {
            return Err(self.unexpected("a key in quotes"));
        };
        self.at = start + n_bytes + 1;
        self.blanks();
        if self.line.get(self.at) != Some(&b':') {
            return Err(self.unexpected("`:`"));
        }
        self.at += 1;
        Ok(&self.line[start..start + n_bytes])
    }

    /// A key of a row, and where its value goes.
    fn key(&mut self, weighted: bool) -> Result<(usize, &'static str), JsonProblem> {
        match self.name()? {
            b"label" => Ok((0, "label")),
            b"weight" if weighted => Ok((1, "weight")),
            b"features" => Ok((2, "features")),
            other => Err(JsonProblem::Key(shown(other))),
        }
    }

    fn features(&mut self, cells: &mut Cells) -> Result<(), Refusal> {
        self.blanks();
        let is_object = self.line.get(self.at) == Some(&b'{');
        if is_object {
            self.at += 1;
            let name = self.name().map_err(|it| (None, it))?;
            if name != b"values" {
                let found = shown(name);
                let expected = "`values`";
                return Err((None, JsonProblem::Syntax { found, expected }));
            }
            self.blanks();
        }
        if self.line.get(self.at) != Some(&b'[') {
            return Err((None, self.unexpected("`[`")));
        }
        self.array(cells)?;
        if is_object && !self.ends(b'}').map_err(|it| (None, it))? {
            return Err((None, self.unexpected("`}`")));
        }
        Ok(())
    }

    /// The cells from a bracket to the one that closes it.
    fn array(&mut self, cells: &mut Cells) -> Result<(), Refusal> {
        self.at += 1;
        self.blanks();
        if self.line.get(self.at) == Some(&b']') {
            self.at += 1;
            return Ok(());
        }
        loop {
            let column = Some(cells.values.len());
            cells.push(self.cell().map_err(|it| (column, it))?);
            if self.ends(b']').map_err(|it| (column, it))? {
                return Ok(());
            }
        }
    }

    /// A cell, and where it stands.
    fn cell(&mut self) -> Result<(f32, (usize, usize)), JsonProblem> {
        self.blanks();
        let (start, rest) = (self.at, &self.line[self.at..]);
        let ends = |at: usize| {
            let byte = rest.get(at);
            byte.is_none_or(|it| matches!(it, b',' | b']' | b'}') || it.is_ascii_whitespace())
        };
        if let Some((value, n_bytes)) = parse_plain(rest)
            && ends(n_bytes)
        {
            self.at += n_bytes;
            return Ok((value, (start, self.at)));
        }
        let n_bytes = (0..rest.len()).find(|at| ends(*at)).unwrap_or(rest.len());
        let token = &rest[..n_bytes];
        let value = match token {
            b"null" | b"NaN" => f32::NAN,
            b"true" => 1.0,
            b"false" => 0.0,
            [b'[' | b'{', ..] => return Err(JsonProblem::Nested(shown(rest))),
            [] => return Err(self.unexpected("a number")),
            _ => parse_finite(token)?,
        };
        self.at += n_bytes;
        Ok((value, (start, self.at)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str, weighted: bool) -> Result<Vec<f32>, String> {
        let mut cells = Cells::default();
        let read = cells.read(line.as_bytes(), weighted);
        read.map_err(|(_, problem)| problem.to_string())?;
        Ok(cells.values)
    }

    #[test]
    fn arrays_and_objects_are_the_same_cells() {
        for line in [
            "[1, 2.5,-3e2]",
            " [1,2.5 , -300] ",
            r#"{"label": 1, "features": [2.5, -300]}"#,
            r#"{"features":[2.5,-3.0E2],"label":true}"#,
            r#"{"features": {"values": [2.5, -300]}, "label": 1.0}"#,
        ] {
            assert_eq!(
                read(line.trim(), false),
                Ok(vec![1.0, 2.5, -300.0]),
                "{line}"
            );
        }
        let weighted = r#"{"weight": 7, "features": [2.5], "label": 1}"#;
        assert_eq!(read(weighted, true), Ok(vec![1.0, 7.0, 2.5]));
        let missing = read("[1,null,NaN]", false).unwrap();
        assert!(missing[1].is_nan() && missing[2].is_nan());
        assert_eq!(read("[]", false), Ok(vec![]));
    }

    #[test]
    fn what_is_no_row_is_refused() {
        for (line, expected) in [
            ("1,2", "`1,2` where `[` or `{` is expected"),
            ("[1,2", "`` where `,` or `]` is expected"),
            ("[1,]", "`]` where a number is expected"),
            ("[1 2]", "`2]` where `,` or `]` is expected"),
            (
                "[1,[2]]",
                "`[2]]` where a number is expected, a row has no rows in it",
            ),
            ("[1,\"x\"]", "text `\"x\"` where a number is expected"),
            (
                "[1,1e99]",
                "`1e99` is infinite or beyond 32-bit floating point, …",
            ),
            ("[1,2] 3", "`3` where the end of the line is expected"),
            ("{}", "`}` where a key in quotes is expected"),
            (r#"{"label":1}"#, "the key `features` is missing"),
            (r#"{"features":[1]}"#, "the key `label` is missing"),
            (r#"{"label":1,"label":2}"#, "key `label` is there twice"),
            (r#"{"id":1}"#, "key `id` is not known, …"),
            (r#"{"label" 1}"#, "`1}` where `:` is expected"),
            (r#"{"label":1,"weight":2}"#, "key `weight` is not known, …"),
            (r#"{"label":1,"features":3}"#, "`3}` where `[` is expected"),
            (
                r#"{"label":1,"features":{"keys":[1]}}"#,
                "`keys` where `values` is expected",
            ),
        ] {
            let problem = read(line, false).unwrap_err();
            assert!(
                problem.starts_with(expected.trim_end_matches('…')),
                "{line}: {problem}"
            );
        }
    }
}
