//! The profile format of callgrind, which KCachegrind, QCachegrind and `callgrind_annotate` read: exclusive costs by line, and inclusive ones by call.

use std::collections::BTreeMap;
use std::io::{self, Write};

use hprof::model::{FunctionId, Profile, Scope, function_costs};

use super::Export;
use crate::error::ReportError;
use crate::text;
use crate::view::stacks::names;
use crate::view::{Edge, edges, line_hits};

/// Callgrind's format, with the events hits, self time in nanoseconds, allocations and bytes allocated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Callgrind;

impl Export for Callgrind {
    fn export(
        &self,
        profile: &Profile,
        scope: Scope,
        out: &mut dyn Write,
    ) -> Result<(), ReportError> {
        Ok(write(profile, scope, out)?)
    }
}

fn write(profile: &Profile, scope: Scope, out: &mut dyn Write) -> io::Result<()> {
    let command = profile.run.command.join(" ");
    writeln!(out, "# callgrind format")?;
    writeln!(out, "version: 1\ncreator: hprof")?;
    writeln!(out, "cmd: {}", text::clean(&command))?;
    writeln!(out, "positions: line")?;
    writeln!(out, "event: Ns : Self time in nanoseconds")?;
    writeln!(out, "events: Hits Ns Allocs Bytes")?;
    let names = names(profile);
    let name = |id: FunctionId| names.get(id.0 as usize).map_or("?", String::as_str);
    let mut calls: BTreeMap<FunctionId, Vec<Edge>> = BTreeMap::new();
    for edge in edges(profile, scope) {
        calls.entry(edge.caller).or_default().push(edge);
    }
    for cost in function_costs(profile, scope) {
        let Some(function) = profile.functions.get(cost.function.0 as usize) else {
            continue;
        };
        writeln!(out, "\nfl={}", text::clean(&function.file))?;
        writeln!(out, "fn={}", name(cost.function))?;
        for (line, total) in function.lines.iter().zip(&cost.lines) {
            let own = &total.own;
            let hits = line_hits(line, total, &cost);
            if hits > 0 || own.time().0 > 0 || own.allocs > 0 {
                writeln!(
                    out,
                    "{} {hits} {} {} {}",
                    line.line,
                    own.time().0,
                    own.allocs,
                    own.alloc_bytes
                )?;
            }
        }
        for edge in calls.get(&cost.function).into_iter().flatten() {
            let Some(callee) = profile.functions.get(edge.callee.0 as usize) else {
                continue;
            };
            writeln!(out, "cfl={}", text::clean(&callee.file))?;
            writeln!(out, "cfn={}", name(edge.callee))?;
            writeln!(out, "calls={} {}", edge.calls, callee.line)?;
            let cost = edge.cost;
            writeln!(
                out,
                "{} {} {} {} {}",
                edge.line, cost.hits, cost.time.0, cost.allocs, cost.bytes
            )?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn lines_have_their_own_costs_and_calls_those_of_what_is_called() {
        let mut out = Vec::new();
        Callgrind
            .export(&fixture::diffusion(), Scope::All, &mut out)
            .unwrap();
        insta::assert_snapshot!(String::from_utf8(out).unwrap());
    }
}
