//! Which functions are measured less, so that what recording costs stays below a share of the program's time.

use std::collections::BTreeMap;

use super::measured::{Key, Measured, Program, State};

/// What becomes of a function. Of what two programs want for one that they share, the last of these counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fate {
    /// It counts its calls.
    Thin,
    /// It is left as it is.
    LeftOut,
}

/// A function whose count costs less than this share of what all may cost is never left out.
const LEAST_COUNT: f64 = 0.05;

/// The functions that are fitted.
#[derive(Debug, Default)]
pub(super) struct Choice {
    fates: BTreeMap<Key, Fate>,
    /// What they cost in full, all programs together: the dearest are named.
    costs: BTreeMap<Key, u64>,
}

impl Choice {
    /// Chooses for all programs.
    pub(super) fn new(measured: &Measured, percent: f64) -> Self {
        let mut choice = Self::default();
        for program in measured.programs.values() {
            choice.add(program, percent);
        }
        choice
    }

    /// Chooses for one program: the dearest functions count their calls only, until what remains is small enough; if it never is, those whose
    /// counts are the dearest are left out. What was fitted before stays so.
    #[expect(clippy::cast_precision_loss, reason = "a share of a time")]
    fn add(&mut self, program: &Program, percent: f64) {
        let budget = program.plain_ns as f64 * percent / 100.0;
        let mut functions: Vec<_> = program.functions.iter().collect();
        functions.sort_by_key(|function| std::cmp::Reverse(function.full_ns));
        let costs = functions.iter().map(|function| match function.state {
            State::Full | State::Kept => function.full_ns,
            State::Thin | State::Fitted => function.thin_ns,
            State::LeftOut => 0,
        });
        let mut remains = costs.fold(program.rest_ns, u64::saturating_add);
        let mut counted = Vec::new();
        for function in functions {
            let is_too_much = remains as f64 > budget;
            match function.state {
                State::LeftOut => self.choose(&function.key, Fate::LeftOut, function.full_ns),
                State::Full if is_too_much && function.thin_ns < function.full_ns => {
                    remains -= function.full_ns - function.thin_ns;
                    self.choose(&function.key, Fate::Thin, function.full_ns);
                    counted.push(function);
                }
                State::Full | State::Kept => {}
                State::Fitted => {
                    self.choose(&function.key, Fate::Thin, function.full_ns);
                    counted.push(function);
                }
                State::Thin => counted.push(function),
            }
        }
        counted.sort_by_key(|function| std::cmp::Reverse(function.thin_ns));
        for function in counted {
            if remains as f64 <= budget || (function.thin_ns as f64) < budget * LEAST_COUNT {
                break;
            }
            remains -= function.thin_ns.min(remains);
            self.choose(&function.key, Fate::LeftOut, function.full_ns);
        }
    }

    fn choose(&mut self, key: &Key, fate: Fate, cost: u64) {
        let chosen = self.fates.entry(key.clone()).or_insert(fate);
        *chosen = fate.max(*chosen);
        let sum = self.costs.entry(key.clone()).or_default();
        *sum = sum.saturating_add(cost);
    }

    /// What becomes of a function.
    pub(super) fn fate(&self, key: &Key) -> Option<Fate> {
        self.fates.get(key).copied()
    }

    /// All fitted functions, in the order of their crates.
    pub(super) fn all(&self) -> impl Iterator<Item = (&Key, Fate)> {
        self.fates.iter().map(|(key, fate)| (key, *fate))
    }

    /// How many count their calls only.
    pub(super) fn thin(&self) -> usize {
        self.fates
            .values()
            .filter(|fate| **fate == Fate::Thin)
            .count()
    }

    /// How many are left out.
    pub(super) fn left_out(&self) -> usize {
        self.fates.len() - self.thin()
    }

    /// Those with this fate, by file and name.
    pub(super) fn places(&self, fate: Fate) -> Vec<String> {
        let chosen = self.fates.iter().filter(|(_, other)| **other == fate);
        chosen
            .map(|(key, _)| format!("{}: {}", key.file, key.name))
            .collect()
    }

    /// The names of the dearest.
    pub(super) fn names(&self, count: usize) -> String {
        let mut dearest: Vec<_> = self.costs.iter().collect();
        dearest.sort_by_key(|(_, cost)| std::cmp::Reverse(**cost));
        let names: Vec<&str> = dearest
            .iter()
            .take(count)
            .map(|(key, _)| key.name.as_str())
            .collect();
        let more = if dearest.len() > count { ", .." } else { "" };
        format!("{}{more}", names.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::super::measured::Measurement;
    use super::*;

    fn function(name: &str, full_ns: u64, thin_ns: u64, state: State) -> Measurement {
        Measurement {
            key: Key {
                crate_name: "app".into(),
                file: "src/main.rs".into(),
                name: name.into(),
                text: 1,
            },
            full_ns,
            thin_ns,
            state,
        }
    }

    fn chosen(programs: Vec<(u64, u64, Vec<Measurement>)>, percent: f64) -> Vec<(String, Fate)> {
        let mut measured = Measured::default();
        for (number, (plain_ns, rest_ns, functions)) in programs.into_iter().enumerate() {
            let program = Program {
                plain_ns,
                rest_ns,
                functions,
            };
            measured.programs.insert(number.to_string(), program);
        }
        let choice = Choice::new(&measured, percent);
        choice
            .all()
            .map(|(key, fate)| (key.name.clone(), fate))
            .collect()
    }

    #[test]
    fn the_dearest_functions_go_first_until_the_rest_is_small() {
        let functions = || {
            vec![
                function("a", 50, 5, State::Full),
                function("b", 400, 40, State::Full),
                function("c", 100, 10, State::Full),
            ]
        };
        // 550 of 1,000 at first; 190 without b, 100 without c.
        let thin = |names: &[&str]| -> Vec<_> {
            names
                .iter()
                .map(|name| ((*name).to_owned(), Fate::Thin))
                .collect()
        };
        assert_eq!(chosen(vec![(1_000, 0, functions())], 60.0), []);
        assert_eq!(chosen(vec![(1_000, 0, functions())], 19.0), thin(&["b"]));
        assert_eq!(
            chosen(vec![(1_000, 0, functions())], 10.0),
            thin(&["b", "c"])
        );
    }

    #[test]
    fn functions_whose_counts_are_too_dear_are_left_out() {
        let functions = vec![
            function("a", 500, 100, State::Full),
            function("by_rule", 300, 80, State::Thin),
            function("c", 100, 10, State::Full),
        ];
        let fates = [
            ("a".to_owned(), Fate::LeftOut),
            ("c".to_owned(), Fate::Thin),
        ];
        // 190 of 1,000 with all thin, 90 without a.
        assert_eq!(chosen(vec![(1_000, 0, functions)], 10.0), fates);
    }

    #[test]
    fn small_counts_stay_and_so_does_what_is_written_at_a_function() {
        let functions = vec![
            function("kept", 5_000, 100, State::Kept),
            function("a", 500, 6, State::Full),
            function("b", 500, 4, State::Full),
        ];
        let fates = [
            ("a".to_owned(), Fate::LeftOut),
            ("b".to_owned(), Fate::Thin),
        ];
        assert_eq!(chosen(vec![(1_000, 0, functions)], 10.0), fates);
    }

    #[test]
    fn what_was_fitted_stays_so_and_programs_are_united() {
        let one = vec![
            function("a", 1, 1, State::Fitted),
            function("b", 1, 1, State::LeftOut),
        ];
        let other = vec![
            function("a", 500, 400, State::Full),
            function("b", 10, 1, State::Full),
        ];
        let fates = [
            ("a".to_owned(), Fate::LeftOut),
            ("b".to_owned(), Fate::LeftOut),
        ];
        assert_eq!(
            chosen(vec![(1_000, 0, one), (1_000, 0, other)], 10.0),
            fates
        );
    }
}
