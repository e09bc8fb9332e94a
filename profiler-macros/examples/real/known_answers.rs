//! The small programs compute what is known of them.

#[path = "programs/binary_trees.rs"]
mod binary_trees;
#[path = "programs/fannkuch.rs"]
mod fannkuch;
#[path = "programs/mandelbrot.rs"]
mod mandelbrot;
#[path = "programs/n_body.rs"]
mod n_body;
#[path = "programs/spectral_norm.rs"]
mod spectral_norm;

#[test]
fn programs_compute_what_is_known() {
    assert_eq!(format!("{:.9}", n_body::energy_after(0)), "-0.169075164");
    assert_eq!(format!("{:.9}", n_body::energy_after(1000)), "-0.169087605");
    assert_eq!(format!("{:.9}", spectral_norm::norm(100)), "1.274219991");
    assert_eq!(fannkuch::fannkuch(7), (228, 16));
    assert_eq!(binary_trees::nodes(9), 1023);
    // The area is 1.5066 of 4, and some more points stay for fifty steps.
    let share = mandelbrot::points(200) as f64 / 40_000.0;
    assert!((share - 1.5066 / 4.0).abs() < 0.03, "{share}");
}

#[test]
fn turns_add_up() {
    assert_eq!(binary_trees::run(2), 2 * binary_trees::run(1));
    assert_eq!(mandelbrot::run(2), 2 * mandelbrot::run(1));
    assert_eq!(fannkuch::run(2), 2 * fannkuch::run(1));
    assert_ne!(n_body::run(1), n_body::run(2));
    assert_ne!(spectral_norm::run(1), spectral_norm::run(2));
}
