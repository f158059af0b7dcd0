//! What is wrong with a registry file: every mistake, each with where it is.
//! Not for: finding them.

use std::fmt;

use crate::domain::on_one_line;

/// So many mistakes are listed; the others are counted.
const MAX_LISTED: usize = 100;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// Where: a path into the file, or a line.
    pub place: String,
    /// What is wrong and how to mend it.
    pub problem: String,
}

/// Everything that is wrong, in the order of the file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mistakes(pub Vec<Mistake>);

impl Mistakes {
    /// One mistake alone.
    pub(super) fn one(place: impl fmt::Display, problem: impl fmt::Display) -> Self {
        let mut mistakes = Self::default();
        mistakes.note(place, problem);
        mistakes
    }

    /// Adds a mistake.
    pub(super) fn note(&mut self, place: impl fmt::Display, problem: impl fmt::Display) {
        self.0.push(Mistake { place: place.to_string(), problem: problem.to_string() });
    }

    /// The value, or nothing and a mistake about a member of a thing.
    pub(super) fn take<T>(
        &mut self,
        place: impl fmt::Display,
        member: &str,
        read: Result<T, impl fmt::Display>,
    ) -> Option<T> {
        match read {
            Ok(value) => Some(value),
            Err(problem) => {
                self.note(place, format_args!("{member}: {problem}"));
                None
            }
        }
    }

    /// Each value of a list, or nothing and a mistake about each that cannot be read.
    pub(super) fn take_all<T, E: fmt::Display>(
        &mut self,
        place: impl fmt::Display,
        member: &str,
        given: &[String],
        read: impl Fn(&str) -> Result<T, E>,
    ) -> Option<Vec<T>> {
        let before = self.0.len();
        let mut values = Vec::with_capacity(given.len());
        for (index, text) in given.iter().enumerate() {
            match read(text) {
                Ok(value) => values.push(value),
                Err(problem) => self.note(&place, format_args!("{member}[{index}]: {problem}")),
            }
        }
        (self.0.len() == before).then_some(values)
    }

    /// Nothing when there is none.
    ///
    /// # Errors
    /// All of them when there are any.
    pub(super) fn refuse_any(self) -> Result<(), Self> {
        if self.0.is_empty() { Ok(()) } else { Err(self) }
    }
}

impl fmt::Display for Mistakes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.0.len();
        let number = if count == 1 { "a mistake".to_owned() } else { format!("{count} mistakes") };
        write!(formatter, "the registry file has {number}, and nothing was changed:")?;
        for mistake in self.0.iter().take(MAX_LISTED) {
            write!(formatter, "\n  {}: {}", on_one_line(&mistake.place), on_one_line(&mistake.problem))?;
        }
        match count.checked_sub(MAX_LISTED) {
            None | Some(0) => Ok(()),
            Some(others) => write!(formatter, "\n  and {others} more"),
        }
    }
}

impl std::error::Error for Mistakes {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_a_hundred_mistakes_a_line_each_and_counts_the_others() {
        let mut mistakes = Mistakes::one("a\nb", "is \u{1b}wrong");
        assert_eq!(
            mistakes.to_string(),
            "the registry file has a mistake, and nothing was changed:\n  a\\nb: is \\u{1b}wrong"
        );
        (0..150).for_each(|number| mistakes.note(number, "is wrong"));
        let text = mistakes.to_string();
        assert_eq!(text.lines().count(), 102);
        assert!(text.starts_with("the registry file has 151 mistakes") && text.ends_with("\n  and 51 more"));
    }
}
