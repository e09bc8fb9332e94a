//! The file format of speedscope: stacks with weights.

use std::io::Write;

use hprof::model::{FigureUnit, Profile, Scope};
use serde::Serialize;

use super::Export;
use crate::error::ReportError;
use crate::text;
use crate::view::stacks::{Metric, stacks};

/// Speedscope's format.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Speedscope {
    /// The weight of a stack.
    pub metric: Metric,
    /// A frame for each line instead of one for each function.
    pub lines: bool,
}

#[derive(Serialize)]
struct File<'a> {
    #[serde(rename = "$schema")]
    schema: &'static str,
    exporter: &'static str,
    name: String,
    #[serde(rename = "activeProfileIndex")]
    active: u32,
    shared: Shared<'a>,
    profiles: [Sampled<'a>; 1],
}

#[derive(Serialize)]
struct Shared<'a> {
    frames: Vec<Frame<'a>>,
}

#[derive(Serialize)]
struct Frame<'a> {
    name: &'a str,
}

#[derive(Serialize)]
struct Sampled<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    name: &'static str,
    unit: &'static str,
    #[serde(rename = "startValue")]
    start: u64,
    #[serde(rename = "endValue")]
    end: u64,
    samples: Vec<&'a [u32]>,
    weights: Vec<u64>,
}

impl Export for Speedscope {
    fn export(
        &self,
        profile: &Profile,
        scope: Scope,
        out: &mut dyn Write,
    ) -> Result<(), ReportError> {
        let stacks = stacks(profile, scope, self.metric, self.lines)?.unwrap_or_default();
        let name = self.metric.meaning();
        let command = profile.run.command.first();
        let program = command.and_then(|path| path.rsplit('/').next());
        let file = File {
            schema: "https://www.speedscope.app/file-format-schema.json",
            exporter: "hprof",
            name: text::clean(program.unwrap_or("hprof")).into_owned(),
            active: 0,
            shared: Shared {
                frames: stacks.names.iter().map(|name| Frame { name }).collect(),
            },
            profiles: [Sampled {
                kind: "sampled",
                name,
                unit: unit(self.metric),
                start: 0,
                end: stacks.total(name)?,
                samples: stacks
                    .all
                    .iter()
                    .map(|(stack, _)| stack.as_slice())
                    .collect(),
                weights: stacks.all.iter().map(|(_, value)| *value).collect(),
            }],
        };
        serde_json::to_writer(&mut *out, &file).map_err(std::io::Error::from)?;
        writeln!(out)?;
        Ok(())
    }
}

const fn unit(metric: Metric) -> &'static str {
    match metric.unit() {
        FigureUnit::Nanoseconds => "nanoseconds",
        FigureUnit::Bytes => "bytes",
        FigureUnit::Count => "none",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn weights_add_up_to_the_end_and_frames_exist() {
        let mut out = Vec::new();
        Speedscope::default()
            .export(&fixture::diffusion(), Scope::All, &mut out)
            .unwrap();
        let file: serde_json::Value = serde_json::from_slice(&out).unwrap();
        let profile = &file["profiles"][0];
        let weights = profile["weights"].as_array().unwrap();
        let sum: u64 = weights.iter().map(|weight| weight.as_u64().unwrap()).sum();
        assert_eq!(profile["endValue"].as_u64(), Some(sum));
        let frames = file["shared"]["frames"].as_array().unwrap().len() as u64;
        let samples = profile["samples"].as_array().unwrap();
        assert_eq!(samples.len(), weights.len());
        for frame in samples.iter().flat_map(|stack| stack.as_array().unwrap()) {
            assert!(frame.as_u64().unwrap() < frames);
        }
    }
}
