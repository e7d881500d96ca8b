//! Which files of a channel count, and in which order.

use std::os::unix::fs::symlink;

use trainer::data::DataError;
use trainer::data::files::discover;

use crate::table::channel;

#[test]
fn sorts_nested_files_by_path_and_leaves_out_markers_and_empty_files() {
    let dir = channel(&[
        ("b.csv", b"2"),
        ("a/z.csv", b"1"),
        ("a/b/c/d/e.csv", b"0"),
        ("_SUCCESS", b"x"),
        ("_temporary/0.csv", b"x"),
        ("empty.csv", b""),
        (".hidden", b"x"),
        (".cache/x.csv", b"x"),
    ]);
    let found = discover("train", dir.path()).unwrap();
    let objects: Vec<&str> = found.files.iter().map(|it| &*it.object).collect();
    assert_eq!(
        objects,
        ["train/a/b/c/d/e.csv", "train/a/z.csv", "train/b.csv"]
    );
    assert_eq!(
        found.hidden,
        [dir.path().join(".cache"), dir.path().join(".hidden")]
    );
}

#[test]
fn a_channel_without_a_folder_has_no_files() {
    let dir = channel(&[]);
    assert_eq!(
        discover("train", &dir.path().join("train")).unwrap().files,
        []
    );
}

#[test]
fn follows_links_that_stay_in_the_channel() {
    let dir = channel(&[("data/a.csv", b"1,2\n")]);
    symlink("data/a.csv", dir.path().join("b.csv")).unwrap();
    assert_eq!(discover("train", dir.path()).unwrap().files.len(), 2);
}

#[test]
fn follows_a_channel_folder_that_is_a_link_itself() {
    let dir = channel(&[("data/a.csv", b"1,2\n")]);
    symlink("data", dir.path().join("train")).unwrap();
    let found = discover("train", &dir.path().join("train")).unwrap();
    assert_eq!(&*found.files[0].object, "train/a.csv");
}

#[test]
fn refuses_links_that_leave_the_channel_lead_nowhere_or_go_in_circles() {
    let outside = channel(&[("secret.csv", b"1,2\n")]);
    let dir = channel(&[("a.csv", b"1,2\n")]);
    let link = dir.path().join("link");

    symlink(outside.path().join("secret.csv"), &link).unwrap();
    assert!(matches!(
        discover("train", dir.path()),
        Err(DataError::OutsideLink { .. })
    ));

    std::fs::remove_file(&link).unwrap();
    symlink("nothing", &link).unwrap();
    assert!(matches!(
        discover("train", dir.path()),
        Err(DataError::DanglingLink { .. })
    ));

    std::fs::remove_file(&link).unwrap();
    symlink(".", &link).unwrap();
    assert!(matches!(
        discover("train", dir.path()),
        Err(DataError::LinkLoop { .. })
    ));
}
