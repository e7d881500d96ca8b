//! Lists and dictionaries as Python and JSON write them: `(1,0,-1)`, `[["a", "b"], [2]]`, `{'age': 1}`.
//!
//! The outermost brackets may be left out, and words need no quotes where nothing in them means something else: the same
//! texts are written in job files, by Python's `str()` and by hand.
//!
//! Invariant: reading ends for any text; nesting is limited.

use std::fmt;

/// Lists in lists that are read. The deepest that means something is a list of lists.
const DEEPEST: usize = 8;

/// What a text stands for.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Literal {
    /// A number, or a text without quotes.
    Word(String),
    /// A text in quotes.
    Quoted(String),
    /// In brackets or parentheses.
    List(Vec<Self>),
    /// In braces.
    Map(Vec<(Self, Self)>),
}

impl fmt::Display for Literal {
    /// As a user would write it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Word(text) => f.write_str(text),
            Self::Quoted(text) => write!(f, "\"{text}\""),
            Self::List(items) => {
                let items: Vec<String> = items.iter().map(ToString::to_string).collect();
                write!(f, "[{}]", items.join(", "))
            }
            Self::Map(pairs) => {
                let pair = |(key, value): &(Self, Self)| format!("{key}: {value}");
                let pairs: Vec<String> = pairs.iter().map(pair).collect();
                write!(f, "{{{}}}", pairs.join(", "))
            }
        }
    }
}

/// Where a text stops making sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at character {at}: expected {expected}")]
pub(super) struct LiteralError {
    /// The character, from 1.
    at: usize,
    expected: &'static str,
}

/// Reads a list or a dictionary; one word is a list of one.
pub(super) fn read(text: &str) -> Result<Literal, LiteralError> {
    let mut reader = Reader {
        rest: text.chars().collect(),
        at: 0,
    };
    let literal = reader.items(None, 0)?;
    Ok(match literal {
        // The outermost brackets may be there or not.
        Literal::List(mut items) if items.len() == 1 => match items.remove(0) {
            inner @ (Literal::List(_) | Literal::Map(_)) => inner,
            word @ (Literal::Word(_) | Literal::Quoted(_)) => Literal::List(vec![word]),
        },
        literal => literal,
    })
}

struct Reader {
    rest: Vec<char>,
    at: usize,
}

impl Reader {
    /// Items up to `end`, or up to the end of the text; pairs, if the first of them is one.
    fn items(&mut self, end: Option<char>, depth: usize) -> Result<Literal, LiteralError> {
        let (mut items, mut pairs) = (Vec::new(), Vec::new());
        loop {
            if self.peek() == end {
                break;
            }
            let item = self.item(depth)?;
            if self.skip(':') {
                if !items.is_empty() {
                    return Err(self.expected("`,`, since there is none before"));
                }
                pairs.push((item, self.item(depth)?));
            } else if pairs.is_empty() {
                items.push(item);
            } else {
                return Err(self.expected("`:` and a value"));
            }
            if self.peek() == end {
                break;
            }
            if !self.skip(',') {
                return Err(self.expected(match end {
                    Some(']') => "`,` or `]`",
                    Some(')') => "`,` or `)`",
                    Some(_) => "`,` or `}`",
                    None => "`,` or the end",
                }));
            }
        }
        self.at += usize::from(end.is_some());
        Ok(if pairs.is_empty() && end != Some('}') {
            Literal::List(items)
        } else if items.is_empty() {
            Literal::Map(pairs)
        } else {
            return Err(self.expected("`name: value` between braces"));
        })
    }

    fn item(&mut self, depth: usize) -> Result<Literal, LiteralError> {
        if depth > DEEPEST {
            return Err(self.expected("fewer brackets"));
        }
        match self.peek() {
            Some(open @ ('[' | '(' | '{')) => {
                self.at += 1;
                let end = match open {
                    '[' => ']',
                    '(' => ')',
                    _ => '}',
                };
                self.items(Some(end), depth + 1)
            }
            Some(quote @ ('"' | '\'')) => self.quoted(quote),
            _ => self.word(),
        }
    }

    fn quoted(&mut self, quote: char) -> Result<Literal, LiteralError> {
        self.at += 1;
        let mut text = String::new();
        loop {
            match self.rest.get(self.at) {
                None => return Err(self.expected("the closing quote")),
                Some(it) if *it == quote => break,
                Some('\\') => {
                    self.at += 1;
                    let Some(escaped) = self.rest.get(self.at) else {
                        return Err(self.expected("a character after `\\`"));
                    };
                    text.push(*escaped);
                }
                Some(it) => text.push(*it),
            }
            self.at += 1;
        }
        self.at += 1;
        Ok(Literal::Quoted(text))
    }

    fn word(&mut self) -> Result<Literal, LiteralError> {
        let is_part = |it: &&char| !"[](){},:\"'".contains(**it);
        let word: String = self.rest[self.at..].iter().take_while(is_part).collect();
        let length = word.chars().count();
        let word = word.trim();
        if word.is_empty() {
            return Err(self.expected("a name or a number"));
        }
        self.at += length;
        Ok(Literal::Word(word.to_owned()))
    }

    /// The next character that is no blank.
    fn peek(&mut self) -> Option<char> {
        while self.rest.get(self.at).is_some_and(|it| it.is_whitespace()) {
            self.at += 1;
        }
        self.rest.get(self.at).copied()
    }

    fn skip(&mut self, wanted: char) -> bool {
        let is_there = self.peek() == Some(wanted);
        self.at += usize::from(is_there);
        is_there
    }

    fn expected(&self, expected: &'static str) -> LiteralError {
        LiteralError {
            at: self.at + 1,
            expected,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_python_and_json_write() {
        for (text, expected) in [
            ("(1,0,-1)", "[1, 0, -1]"),
            ("[1, 0, -1]", "[1, 0, -1]"),
            ("1,0,-1", "[1, 0, -1]"),
            ("1", "[1]"),
            ("(1,)", "[1]"),
            ("", "[]"),
            (" ( ) ", "[]"),
            ("{}", "{}"),
            ("[[0, 1], [2]]", "[[0, 1], [2]]"),
            ("[0, 1], (2,)", "[[0, 1], [2]]"),
            ("[[0, 1]]", "[[0, 1]]"),
            ("[['a', \"b c\"], [d e, 3]]", "[[\"a\", \"b c\"], [d e, 3]]"),
            ("{'age': 1, \"x\": -1,}", "{\"age\": 1, \"x\": -1}"),
            ("age: 1, day of week: 0.5", "{age: 1, day of week: 0.5}"),
            ("{'it\\'s': 1}", "{\"it's\": 1}"),
        ] {
            assert_eq!(
                read(text).map(|it| it.to_string()),
                Ok(expected.to_owned()),
                "{text}"
            );
        }
    }

    #[test]
    fn says_where_a_text_stops_making_sense() {
        for (text, message) in [
            ("(1,0", "at character 5: expected `,` or `)`"),
            ("[1 [2]]", "at character 4: expected `,` or `]`"),
            ("1,,2", "at character 3: expected a name or a number"),
            ("[1]]", "at character 4: expected `,` or the end"),
            ("[\"a]", "at character 5: expected the closing quote"),
            ("{a: 1, b}", "at character 9: expected `:` and a value"),
            (
                "{a}",
                "at character 4: expected `name: value` between braces",
            ),
            (
                "a, b: 1",
                "at character 6: expected `,`, since there is none before",
            ),
            (
                "[[[[[[[[[[1]]]]]]]]]]",
                "at character 10: expected fewer brackets",
            ),
        ] {
            assert_eq!(read(text).unwrap_err().to_string(), message, "{text}");
        }
    }
}
