//! Parameters that are words: an enum, and XGBoost's spelling of each of its variants.

/// A word that a parameter does not take.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown {parameter} `{word}`, allowed are {}", allowed.join(", "))]
pub struct UnknownWord {
    /// The parameter.
    pub parameter: &'static str,
    /// What was asked for.
    pub word: String,
    /// What there is.
    pub allowed: &'static [&'static str],
}

/// An enum whose variants have XGBoost's spelling.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident of $parameter:literal { $($(#[$of_variant:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$of_variant])* $variant,)*
        }

        impl $name {
            /// Every spelling.
            pub const NAMES: &[&str] = &[$($text,)*];

            /// XGBoost's spelling.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)*
                }
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::params::UnknownWord;

            fn from_str(word: &str) -> Result<Self, $crate::params::UnknownWord> {
                match word {
                    $($text => Ok(Self::$variant),)*
                    _ => Err($crate::params::UnknownWord {
                        parameter: $parameter,
                        word: word.to_owned(),
                        allowed: Self::NAMES,
                    }),
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

pub(crate) use words;
