//! Reads the parameter files of the diffusion programs, in the syntax of the course.
//!
//! The course's C++, Fortran and Python programs read the same file, one assignment a line:
//!
//! ```text
//! dx       = 0.0667;   # comments start with #, // or !
//! graphics = False;
//! ```
//!
//! A parameter that the file leaves out keeps its default; of two assignments the last one counts.

use std::path::{Path, PathBuf};
use std::{fs, io};

use thiserror::Error;

/// What to simulate and how finely. Lengths and times have no unit, as in the course.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Parameters {
    /// `D`: the diffusion constant, greater than 0.
    pub diffusion: f64,
    /// `x1`: lower edge of the square domain, in both directions.
    pub x1: f64,
    /// `x2`: upper edge, greater than `x1`.
    pub x2: f64,
    /// `runtime`: simulated time, 0 or more.
    pub runtime: f64,
    /// `dx`: wished distance of grid points, greater than 0.
    pub dx: f64,
    /// `outtime`: simulated time between two outputs, greater than 0.
    pub outtime: f64,
    /// `graphics`: whether each output is written as an image too.
    pub graphics: bool,
}

impl Default for Parameters {
    /// The course's hands-on size: `dx` of 0.1, no graphics, ten outputs after the first.
    fn default() -> Self {
        Self {
            diffusion: 1.0,
            x1: -10.0,
            x2: 10.0,
            runtime: 7.5,
            dx: 0.1,
            outtime: 0.75,
            graphics: false,
        }
    }
}

/// What is wrong with a parameter file.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ParameterError {
    /// The file cannot be read.
    #[error("cannot read {}", file.display())]
    Unreadable {
        /// The parameter file.
        file: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// A line of it is not understood.
    #[error("{}:{line}: {problem}", file.display())]
    Line {
        /// The parameter file.
        file: PathBuf,
        /// Line number, from 1.
        line: usize,
        /// What is wrong there.
        problem: Problem,
    },
}

/// What is wrong with one line of a parameter file.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum Problem {
    /// The line is no assignment.
    #[error("expected `name = value;`, found `{0}`")]
    NoAssignment(String),
    /// The name is none of the seven.
    #[error("unknown parameter `{0}` (known: D, x1, x2, runtime, dx, outtime, graphics)")]
    UnknownName(String),
    /// The value does not fit the name.
    #[error("`{name}` must be {expected}, found `{value}`")]
    BadValue {
        /// The parameter.
        name: String,
        /// What may stand there.
        expected: &'static str,
        /// What stands there.
        value: String,
    },
}

impl Parameters {
    /// Reads a parameter file.
    ///
    /// # Errors
    /// [`ParameterError`] if the file cannot be read or has a line that is not understood.
    pub fn read(file: &Path) -> Result<Self, ParameterError> {
        let text = fs::read_to_string(file).map_err(|source| ParameterError::Unreadable {
            file: file.into(),
            source,
        })?;
        Self::parse(&text, file)
    }

    /// Reads the text of a parameter file; `file` only appears in errors.
    ///
    /// ```
    /// use sample_workloads::parameters::Parameters;
    ///
    /// let text = "dx = 0.0667;   # finer\ngraphics = True;\n";
    /// let parameters = Parameters::parse(text, "fine.par".as_ref()).unwrap();
    /// assert_eq!(parameters.dx, 0.0667);
    /// assert!(parameters.graphics);
    ///
    /// let error = Parameters::parse("dx = wide;", "fine.par".as_ref()).unwrap_err();
    /// assert_eq!(error.to_string(), "fine.par:1: `dx` must be a number above 0, found `wide`");
    /// ```
    ///
    /// # Errors
    /// [`ParameterError::Line`] for the first line that is not understood.
    pub fn parse(text: &str, file: &Path) -> Result<Self, ParameterError> {
        let mut parameters = Self::default();
        for (index, line) in text.lines().enumerate() {
            for statement in without_comment(line).split(';') {
                parameters
                    .assign(statement.trim())
                    .map_err(|problem| ParameterError::Line {
                        file: file.into(),
                        line: index + 1,
                        problem,
                    })?;
            }
        }
        Ok(parameters)
    }

    fn assign(&mut self, statement: &str) -> Result<(), Problem> {
        if statement.is_empty() {
            return Ok(());
        }
        let (name, value) = statement
            .split_once('=')
            .ok_or_else(|| Problem::NoAssignment(statement.to_owned()))?;
        let (name, value) = (name.trim(), value.trim());
        match name {
            "D" => self.diffusion = number(name, value, "a number above 0", |v| v > 0.0)?,
            "x1" => self.x1 = number(name, value, "a number", |_| true)?,
            "x2" => self.x2 = number(name, value, "a number", |_| true)?,
            "runtime" => self.runtime = number(name, value, "0 or a number above", |v| v >= 0.0)?,
            "dx" => self.dx = number(name, value, "a number above 0", |v| v > 0.0)?,
            "outtime" => self.outtime = number(name, value, "a number above 0", |v| v > 0.0)?,
            "graphics" => self.graphics = truth(name, value)?,
            _ => return Err(Problem::UnknownName(name.to_owned())),
        }
        Ok(())
    }
}

/// The part of a line before its comment, in any of the three languages that read these files.
fn without_comment(line: &str) -> &str {
    let end = ["#", "//", "!"]
        .iter()
        .filter_map(|start| line.find(start))
        .min();
    &line[..end.unwrap_or(line.len())]
}

fn number(
    name: &str,
    value: &str,
    expected: &'static str,
    accepts: fn(f64) -> bool,
) -> Result<f64, Problem> {
    value
        .parse()
        .ok()
        .filter(|&v: &f64| v.is_finite() && accepts(v))
        .ok_or_else(|| Problem::BadValue {
            name: name.to_owned(),
            expected,
            value: value.to_owned(),
        })
}

fn truth(name: &str, value: &str) -> Result<bool, Problem> {
    match value {
        "True" | "true" => Ok(true),
        "False" | "false" => Ok(false),
        _ => Err(Problem::BadValue {
            name: name.to_owned(),
            expected: "True or False",
            value: value.to_owned(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(text: &str) -> String {
        Parameters::parse(text, Path::new("p"))
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn the_course_file_is_read() {
        let text = "D          = 1.0;\nx1         = -10.0;\nx2         = 10.0;\nruntime    = 15.0;\n\
                    dx         = 0.0667;\nouttime    = 0.5;\ngraphics   = False;\n";
        let expected = Parameters {
            diffusion: 1.0,
            x1: -10.0,
            x2: 10.0,
            runtime: 15.0,
            dx: 0.0667,
            outtime: 0.5,
            graphics: false,
        };
        assert_eq!(Parameters::parse(text, Path::new("p")).unwrap(), expected);
    }

    #[test]
    fn comments_of_three_languages_and_missing_semicolons_are_accepted() {
        let text =
            "# python\n// c++\n! fortran\n\ndx = 0.2 # coarse\nx1 = -1.0; x2 = 1.0; // both\n";
        let parameters = Parameters::parse(text, Path::new("p")).unwrap();
        assert_eq!(
            (parameters.dx, parameters.x1, parameters.x2),
            (0.2, -1.0, 1.0)
        );
    }

    #[test]
    fn the_last_assignment_counts() {
        assert_eq!(
            Parameters::parse("dx = 0.2;\ndx = 0.3;", Path::new("p"))
                .unwrap()
                .dx,
            0.3
        );
    }

    #[test]
    fn errors_name_file_and_line() {
        assert_eq!(
            problem("dx = 0.1;\nfine\n"),
            "p:2: expected `name = value;`, found `fine`"
        );
        assert_eq!(
            problem("D = -1;"),
            "p:1: `D` must be a number above 0, found `-1`"
        );
        assert_eq!(
            problem("\n\nruntime = inf;"),
            "p:3: `runtime` must be 0 or a number above, found `inf`"
        );
        assert_eq!(
            problem("graphics = maybe;"),
            "p:1: `graphics` must be True or False, found `maybe`"
        );
        assert!(problem("dt = 1;").starts_with("p:1: unknown parameter `dt`"));
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = Parameters::read(Path::new("no/such.par")).unwrap_err();
        assert_eq!(error.to_string(), "cannot read no/such.par");
    }
}
