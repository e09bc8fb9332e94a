//! The messages of pprof's `profile.proto`, written by hand: names and numbers of the fields are those of that format.
//!
//! Numbers that name a string are indices into the string table, whose entry 0 is the empty string. Ids begin at 1.

/// Numbers of the fields of the outermost message, `Profile`, that are read or written one by one.
pub(super) mod field {
    pub(in super::super) const SAMPLE_TYPE: u64 = 1;
    pub(in super::super) const SAMPLE: u64 = 2;
    pub(in super::super) const LOCATION: u64 = 4;
    pub(in super::super) const STRING: u64 = 6;
    /// Version of the extension's layout. Not a part of pprof; stands first, so that a file with its end cut off is not taken for one
    /// of another tool.
    pub(in super::super) const LAYOUT: u64 = 1000;
    /// The extension. Not a part of pprof; stands at the end of the file.
    pub(in super::super) const EXTENSION: u64 = 1001;
}

/// What one column of the values counts, and in which unit.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct ValueType {
    #[prost(int64, tag = "1")]
    pub(super) kind: i64,
    #[prost(int64, tag = "2")]
    pub(super) unit: i64,
}

/// Costs of a line, called in one way.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Sample {
    /// The line itself first, then the line that called its function, and so on.
    #[prost(uint64, repeated, tag = "1")]
    pub(super) location: Vec<u64>,
    /// One for each sample type.
    #[prost(int64, repeated, tag = "2")]
    pub(super) value: Vec<i64>,
    #[prost(message, repeated, tag = "3")]
    pub(super) label: Vec<Label>,
}

/// A name and a text that belong to a sample.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(super) struct Label {
    #[prost(int64, tag = "1")]
    pub(super) key: i64,
    #[prost(int64, tag = "2")]
    pub(super) text: i64,
}

/// The program.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Mapping {
    #[prost(uint64, tag = "1")]
    pub(super) id: u64,
    #[prost(int64, tag = "5")]
    pub(super) file: i64,
    #[prost(bool, tag = "7")]
    pub(super) has_functions: bool,
    #[prost(bool, tag = "8")]
    pub(super) has_files: bool,
    #[prost(bool, tag = "9")]
    pub(super) has_line_numbers: bool,
    #[prost(bool, tag = "10")]
    pub(super) has_inline_frames: bool,
}

/// A line of a function. Other profilers put several here, for inlined functions.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Location {
    #[prost(uint64, tag = "1")]
    pub(super) id: u64,
    #[prost(uint64, tag = "2")]
    pub(super) mapping: u64,
    #[prost(message, repeated, tag = "4")]
    pub(super) line: Vec<Line>,
}

/// Where a location is.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(super) struct Line {
    #[prost(uint64, tag = "1")]
    pub(super) function: u64,
    #[prost(int64, tag = "2")]
    pub(super) line: i64,
}

/// A function. `name` is the module path and the name, `system_name` the module path alone: where the two are the same, pprof
/// takes what stands between angle brackets out of the name.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Function {
    #[prost(uint64, tag = "1")]
    pub(super) id: u64,
    #[prost(int64, tag = "2")]
    pub(super) name: i64,
    #[prost(int64, tag = "3")]
    pub(super) system_name: i64,
    #[prost(int64, tag = "4")]
    pub(super) file: i64,
    #[prost(int64, tag = "5")]
    pub(super) start_line: i64,
}

/// What the outermost message begins with.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(super) struct MessageStart {
    #[prost(uint64, tag = "1000")]
    pub(super) layout: u64,
}

/// The outermost message without its samples: these are written before it, one by one, and protobuf joins them.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct MessageRest {
    #[prost(message, repeated, tag = "1")]
    pub(super) sample_type: Vec<ValueType>,
    #[prost(message, repeated, tag = "3")]
    pub(super) mapping: Vec<Mapping>,
    #[prost(message, repeated, tag = "4")]
    pub(super) location: Vec<Location>,
    #[prost(message, repeated, tag = "5")]
    pub(super) function: Vec<Function>,
    #[prost(string, repeated, tag = "6")]
    pub(super) string: Vec<String>,
    #[prost(int64, tag = "9")]
    pub(super) time_ns: i64,
    #[prost(int64, tag = "10")]
    pub(super) duration_ns: i64,
    #[prost(int64, tag = "14")]
    pub(super) default_sample_type: i64,
    #[prost(bytes = "vec", tag = "1001")]
    pub(super) extension: Vec<u8>,
}
