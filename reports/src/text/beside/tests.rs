//! Tables of any figures and texts on terminals of any width.

use proptest::prelude::*;

use super::*;
use crate::text::grid::{Cell, Column};

const LAYOUT: Layout<'_> = Layout {
    title: "Text",
    gap: 2,
    rule: true,
    gives_way: &["c", "bars", "b"],
};

fn written(cells: &[[String; 4]], lines: &[String], width: usize) -> String {
    let columns = vec![
        Column::right("a", 4),
        Column::left("", 6).named("bars"),
        Column::right("b", 12),
        Column::right("c", 9),
    ];
    let mut grid = Grid::new(columns);
    for row in cells {
        grid.push(row.iter().map(Cell::plain).collect());
    }
    let style = Style {
        color: false,
        width: Some(width),
    };
    let source = Source::new(1, lines.iter().map(String::as_str), style);
    let numbers = (1..).zip(cells).map(|(number, _)| number).collect();
    let mut out = Vec::new();
    write(
        grid,
        Beside::Source(source, numbers),
        &LAYOUT,
        style,
        &mut out,
    )
    .unwrap();
    String::from_utf8(out).unwrap()
}

fn cells(texts: [&str; 4]) -> [String; 4] {
    texts.map(String::from)
}

#[test]
fn columns_go_in_the_order_stated_and_are_named() {
    let row = [cells(["1234", "######", "12345678", "1234567"])];
    let line = ["x".repeat(50)];
    let shown = |width| written(&row, &line, width);
    assert!(shown(80).contains("\n1234 ######     12345678   1234567  xxx"));
    let without_blanks = shown(71);
    assert!(without_blanks.contains("\n1234 ###### 12345678 1234567  xxx"));
    assert!(!without_blanks.contains("no room"));
    assert!(shown(69).ends_with("\n(69 columns have no room for c)\n"));
    assert!(shown(60).ends_with("\n(60 columns have no room for c, bars)\n"));
    assert!(shown(20).ends_with("\n(20 columns have no\nroom for c, bars, b)\n"));
}

#[test]
fn short_code_needs_no_forty_columns() {
    let row = [cells(["1234", "######", "12345678", "1234567"])];
    assert!(!written(&row, &["    f();".into()], 35).contains("no room"));
}

#[test]
fn only_what_all_lines_have_of_the_indentation_goes() {
    let rows = ["1", "2", "3"].map(|text| cells([text, "", "", ""]));
    let line = "y".repeat(40);
    let lines = [
        format!("\t{line}"),
        format!("        {line}"),
        // The second line of a text over several lines.
        "text".into(),
    ];
    let table = written(&rows, &lines, 60);
    let texts: Vec<&str> = table
        .lines()
        .skip(2)
        .map(|line| line[1..].trim_start())
        .collect();
    assert_eq!(texts[0], line);
    assert!(table.lines().nth(3).unwrap().contains("     yyy"));
    assert!(table.lines().nth(4).unwrap().ends_with("  text"));
}

proptest! {
    #[test]
    fn code_keeps_forty_columns_and_no_line_is_wider_than_the_terminal(
        figures in "[0-9]{1,30}",
        indentation in 0_usize..30,
        code in "[a-z本]{0,60}",
        width in 80_usize..120,
    ) {
        let row = [cells(["1234", "######", &figures, "12"])];
        let line = format!("{}{code}", " ".repeat(indentation));
        let table = written(&row, &[line], width);
        let shown = table.lines().nth(2).unwrap();
        prop_assert!(table.lines().take(3).all(|line| text::width(line) <= width));
        let part = text::cut(&code, 40);
        prop_assert!(shown.contains(part), "{part} not in {shown}");
    }
}
