//! What is wrong with the settings, and how to mend it.
//! A mistake never repeats a value, since a secret may have been put where an address belongs.

use std::fmt;

/// Names are cut after so many characters, so that a file that is no settings file at all cannot flood the terminal.
const SHOWN_CHARACTERS: usize = 64;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// The setting's dotted name; the file's name if the file cannot be read as settings.
    pub setting: String,
    /// What is wrong and how to mend it, on one line.
    pub problem: String,
}

impl Mistake {
    /// A mistake about a setting whose name we know.
    pub(super) fn new(setting: &str, problem: impl Into<String>) -> Self {
        Self { setting: setting.to_owned(), problem: problem.into() }
    }

    /// A mistake about a name that came from outside and may contain anything.
    pub(super) fn about_foreign_name(name: &str, problem: impl Into<String>) -> Self {
        Self { setting: shown(name), problem: problem.into() }
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.setting, self.problem)
    }
}

/// Everything that is wrong, in the order in which it was found; printed one to a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistakes(pub Vec<Mistake>);

impl fmt::Display for Mistakes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, mistake) in self.0.iter().enumerate() {
            if index > 0 {
                writeln!(formatter)?;
            }
            write!(formatter, "{mistake}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Mistakes {}

/// A name from outside as it may be printed: on one line, without control characters, and not too long.
pub(super) fn shown(name: &str) -> String {
    let mut shown: String = name.chars().take(SHOWN_CHARACTERS).flat_map(char::escape_debug).collect();
    if name.chars().nth(SHOWN_CHARACTERS).is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::{Mistake, Mistakes};

    #[test]
    fn prints_one_mistake_to_a_line() {
        let mistakes =
            Mistakes(vec![Mistake::new("data", "is empty"), Mistake::new("issuer", "is too long")]);
        assert_eq!(mistakes.to_string(), "data: is empty\nissuer: is too long");
    }

    #[test]
    fn a_foreign_name_can_neither_start_a_line_nor_flood_the_terminal() {
        let mistake = Mistake::about_foreign_name(&"a\n\u{1b}".repeat(1000), "is not known");
        assert_eq!(mistake.to_string().lines().count(), 1);
        assert!(mistake.to_string().len() < 300);
        assert!(!mistake.to_string().contains('\u{1b}'));
    }
}
