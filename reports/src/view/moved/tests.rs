//! Functions in files that have changed in every way.

use super::*;

const FIELD: &str = "\
#[profile]
fn advance(field: &mut Field) {
    for row in 1..field.rows {
        laplacian[row] = field.dens[row + 1];
    }
    field.swap(laplacian);
}";
const OTHER: &str = "\
#[profile]
fn total(field: &Field) -> f64 {
    let cells = field.cells();
    cells.sum()
}";

fn function(name: &str, line: u32, source: &str) -> Function {
    Function {
        module: String::new(),
        name: name.into(),
        file: "a.rs".into(),
        package: String::new(),
        line,
        column: 1,
        end_line: line + u32::try_from(source.lines().count()).unwrap() - 1,
        source: source.lines().map(String::from).collect(),
        lines: Vec::new(),
        max_allocs: None,
    }
}

/// For each line of the two functions its number now, negative if it was edited, 0 if it is gone.
fn now(text: &str) -> [Vec<i64>; 2] {
    let (field, other) = (
        function("Field::advance", 1, FIELD),
        function("total", 9, OTHER),
    );
    let lines: Vec<&str> = text.lines().collect();
    let places = locate(&[&field, &other], &lines);
    let number = |at: &Option<At>| {
        at.map_or(0, |at| {
            if at.edited {
                -i64::from(at.line)
            } else {
                at.line.into()
            }
        })
    };
    let mut numbers = places
        .iter()
        .map(|lines| lines.iter().map(number).collect());
    [numbers.next().unwrap(), numbers.next().unwrap()]
}

fn from(first: i64, length: i64) -> Vec<i64> {
    (first..first + length).collect()
}

#[test]
fn an_unchanged_file_maps_to_itself() {
    assert_eq!(
        now(&format!("{FIELD}\n\n{OTHER}")),
        [from(1, 7), from(9, 5)]
    );
}

#[test]
fn lines_above_move_everything_below() {
    let text = format!("use a::b;\n\n{FIELD}\n\n// new\n{OTHER}");
    assert_eq!(now(&text), [from(3, 7), from(12, 5)]);
}

#[test]
fn functions_may_change_places_and_indentation() {
    let field = FIELD.replace('\n', "\n    ");
    let text = format!("{OTHER}\nmod inner {{\n    {field}\n}}");
    assert_eq!(now(&text), [from(7, 7), from(1, 5)]);
}

#[test]
fn lines_inserted_inside_move_what_follows() {
    let field = FIELD.replace("    }\n", "        // why\n        checked += 1;\n    }\n");
    let text = format!("{field}\n\n{OTHER}");
    assert_eq!(now(&text), [vec![1, 2, 3, 4, 7, 8, 9], from(11, 5)]);
}

#[test]
fn an_edited_line_is_known_by_what_is_left_of_it() {
    let field = FIELD.replace("field.dens[row + 1]", "field.dens[row - 1] * 2.0");
    let text = format!("{field}\n\n{OTHER}");
    assert_eq!(now(&text)[0], [1, 2, 3, -4, 5, 6, 7]);
}

#[test]
fn a_deleted_line_is_gone_and_another_does_not_take_its_place() {
    let field = FIELD.replace("field.swap(laplacian)", "println!(\"x\")");
    let text = format!("{field}\n\n{OTHER}");
    assert_eq!(now(&text)[0], [1, 2, 3, 4, 5, 0, 7]);
}

#[test]
fn statements_may_change_places() {
    let other = OTHER.replace(
        "    let cells = field.cells();\n    cells.sum()",
        "    cells.sum()\n    let cells = field.cells();",
    );
    let text = format!("{FIELD}\n\n{other}");
    assert_eq!(now(&text)[1], [9, 10, 12, 11, 13]);
}

#[test]
fn a_function_with_another_name_is_known_by_its_text() {
    let text = format!("{OTHER}\n\n{}", FIELD.replace("advance", "step"));
    assert_eq!(now(&text)[0], [7, -8, 9, 10, 11, 12, 13]);
}

#[test]
fn a_function_that_is_gone_takes_no_lines_of_others() {
    assert_eq!(now(OTHER), [vec![0; 7], from(1, 5)]);
    assert_eq!(now(""), [vec![0; 7], vec![0; 5]]);
}

#[test]
fn of_two_functions_with_one_name_the_likelier_is_taken() {
    let new = "impl B {\n    fn advance(field: &mut Field) {\n        other();\n    }\n}";
    let text = format!("{new}\n{}\n\n{OTHER}", FIELD.replace("row + 1", "row + 2"));
    assert_eq!(now(&text)[0], [6, 7, 8, -9, 10, 11, 12]);
}

/// The brace at the end was found in the function below, and the attribute above.
#[test]
fn lines_that_are_everywhere_stay_with_their_function() {
    let other = |name: &str| format!("#[profile]\nfn {name}() {{\n    work();\n}}\n\n");
    let field = FIELD.replace("row + 1", "row + 2");
    let text = format!("{}{field}\n\n{}{OTHER}", other("a"), other("b"));
    assert_eq!(now(&text)[0], [6, 7, 8, -9, 10, 11, 12]);
}

#[test]
fn a_name_is_a_whole_word() {
    assert!(declares("pub(crate) async fn f<T>(", "f"));
    assert!(declares("fn f()", "f"));
    assert!(!declares("fn ff()", "f"));
    assert!(!declares("let f = 1;", "f"));
}
