//! Wrong input to the simulator itself: what is wrong, what would be right, exit code 2.

use std::fs;

use crate::program::{Program, hw_sim, text};

/// `hw-sim run` with a link that would work, and one argument that does not.
fn refused(args: &[&str]) -> String {
    let directory = tempfile::tempdir().unwrap();
    let link = directory.path().join("tty");
    let mut all = vec!["run", "--link", link.to_str().unwrap()];
    all.extend(args);
    let output = hw_sim(&all);
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(2), String::new()), "{args:?}");
    text(&output.stderr)
}

#[test]
fn an_argument_that_makes_no_sense_is_explained() {
    for (args, wrong, right) in [
        (["--profile", "nb-9"], "unknown profile `nb-9`", "known profiles: nb-1.1"),
        (["--profile", "/no/such.toml"], "cannot read profile `/no/such.toml`", "hint: "),
        (["--unit", "oven"], "unknown unit `oven`", "walk-in-fridge"),
        (["--range", "60..-40"], "got `60..-40`", "expected LO..HI"),
        (["--seed", "-1"], "'-1'", "a seed is a whole number"),
        (["--imei", "123"], "got `123`", "15 decimal digits"),
        (["--speed", "0"], "got 0", "the speed must be 0.001 to 10000"),
        (["--speed", "1e-300"], "got 0.0000", "the speed must be 0.001 to 10000"),
        (["--set", "latency_ms.query=[0, 86400001]"], "`latency_ms.query`", "at most 86400000"),
        (["--door-open", "9..3"], "9..3", "expected FROM..TO"),
        (["--on-for", "-1"], "-1", "expected seconds"),
    ] {
        let said = refused(&args);
        assert!(said.contains(wrong) && said.contains(right), "{args:?}: {said}");
    }
}

#[test]
fn a_file_that_is_no_memory_is_left_alone_and_explained() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    fs::write(&file, "precious").unwrap();
    let said = refused(&["--memory", file.to_str().unwrap()]);
    assert!(said.contains("is no memory of a sensor") && said.contains("hint: "), "{said}");
    assert_eq!(fs::read_to_string(&file).unwrap(), "precious");
    assert!(refused(&["--memory", "/no/such/folder/memory"]).contains("cannot write the memory"));
}

#[test]
fn a_link_that_cannot_be_is_explained() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    fs::write(&file, "precious").unwrap();
    let output = hw_sim(&["run", "--link", file.to_str().unwrap()]);
    let said = text(&output.stderr);
    assert!(said.contains("is not a symbolic link") && said.contains("hint: choose another path"), "{said}");
    assert_eq!((output.status.code(), fs::read_to_string(&file).unwrap().as_str()), (Some(2), "precious"));

    let other = directory.path().join("other");
    std::os::unix::fs::symlink(&file, &other).unwrap();
    let output = hw_sim(&["run", "--link", other.to_str().unwrap()]);
    let said = text(&output.stderr);
    assert!(said.contains("not to a pseudo terminal") && said.contains("hint: choose another path"), "{said}");
    assert_eq!((output.status.code(), fs::read_link(&other).unwrap()), (Some(2), file));

    let output = hw_sim(&["run", "--link", "/no/such/folder/tty"]);
    let said = text(&output.stderr);
    assert!(said.contains("hint: its folder must exist") && output.status.code() == Some(2), "{said}");
}

#[test]
fn the_link_of_a_living_simulator_is_not_taken_and_that_of_a_dead_one_is() {
    let directory = tempfile::tempdir().unwrap();
    let link = directory.path().join("tty");
    let args = ["run", "--link", link.to_str().unwrap()];
    let mut first = Program::start(&args);
    first.line();
    let target = fs::read_link(&link).unwrap();
    let output = hw_sim(&args);
    let said = text(&output.stderr);
    assert!(said.contains("belongs to another simulator") && output.status.code() == Some(2), "{said}");
    assert_eq!(fs::read_link(&link).unwrap(), target);

    // Killed, it leaves its link behind.
    drop(first);
    assert!(fs::symlink_metadata(&link).is_ok());
    let mut second = Program::start(&args);
    second.line();
    assert!(second.interrupt().1.success());
}
