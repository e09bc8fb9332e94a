//! The methods of the primitive numbers, by name and number of arguments: all that a macro sees of a call.
//!
//! Names that other types have at least as often, such as `log`, are left out.

/// Methods without an argument besides the number.
const ALONE: &str = "
    abs acos acosh asin asinh atan atanh cbrt ceil cos cosh exp exp2 exp_m1 floor fract ln ln_1p log10 log2 next_down next_up
    recip round round_ties_even signum sin sin_cos sinh sqrt tan tanh to_degrees to_radians trunc
    is_finite is_infinite is_nan is_negative is_normal is_positive is_power_of_two is_sign_negative is_sign_positive is_subnormal
    cast_signed cast_unsigned count_ones count_zeros ilog10 ilog2 isqrt leading_ones leading_zeros next_power_of_two reverse_bits
    swap_bytes trailing_ones trailing_zeros unsigned_abs
    to_be to_be_bytes to_bits to_le to_le_bytes to_ne_bytes
    is_alphabetic is_alphanumeric is_ascii is_ascii_alphabetic is_ascii_alphanumeric is_ascii_control is_ascii_digit
    is_ascii_graphic is_ascii_hexdigit is_ascii_lowercase is_ascii_punctuation is_ascii_uppercase is_ascii_whitespace is_control
    is_lowercase is_numeric is_uppercase is_whitespace len_utf8 to_ascii_lowercase to_ascii_uppercase
    len is_empty";

/// Methods with one argument besides the number. `min` and `max` with none are methods of iterators, and drain them.
const WITH_ONE: &str = "
    abs_diff atan2 copysign div_ceil div_euclid eq_ignore_ascii_case hypot ilog is_digit is_multiple_of max maximum midpoint min
    minimum next_multiple_of pow powf powi rem_euclid rotate_left rotate_right to_digit total_cmp";

/// Methods with two arguments besides the number.
const WITH_TWO: &str = "clamp mul_add";

/// What the name of a method begins with that says what to do when the result does not fit.
const FAMILIES: [&str; 6] = [
    "checked_",
    "overflowing_",
    "saturating_",
    "unbounded_",
    "unchecked_",
    "wrapping_",
];

/// What follows then, without an argument.
const FAMILY_ALONE: &str = "abs ilog10 ilog2 isqrt neg next_power_of_two";

/// And with one.
const FAMILY_WITH_ONE: &str = "
    add add_signed add_unsigned div div_euclid ilog mul next_multiple_of pow rem rem_euclid shl shr sub sub_signed sub_unsigned";

/// Functions of a type of numbers that make one of another value.
const MAKERS: &str = "
    from from_be from_be_bytes from_bits from_le from_le_bytes from_ne_bytes from_u32 try_from";

/// The primitive numbers, and what is as small.
const TYPES: &str = "bool char f32 f64 i128 i16 i32 i64 i8 isize u128 u16 u32 u64 u8 usize";

/// Whether a number has a method of this name with so many arguments.
pub(super) fn is_method(name: &str, arguments: usize) -> bool {
    let operation = FAMILIES.iter().find_map(|family| name.strip_prefix(family));
    match arguments {
        0 => has(ALONE, name) || operation.is_some_and(|rest| has(FAMILY_ALONE, rest)),
        1 => has(WITH_ONE, name) || operation.is_some_and(|rest| has(FAMILY_WITH_ONE, rest)),
        2 => has(WITH_TWO, name),
        _ => false,
    }
}

/// Whether a type of numbers has a function of this name with so many arguments, a number among them.
pub(super) fn is_function(name: &str, arguments: usize) -> bool {
    let method = arguments.checked_sub(1);
    method.is_some_and(|others| is_method(name, others)) || (arguments == 1 && has(MAKERS, name))
}

/// Whether a name is that of a primitive number.
pub(super) fn is_type(name: &str) -> bool {
    has(TYPES, name)
}

fn has(names: &str, name: &str) -> bool {
    names.split_whitespace().any(|known| known == name)
}
