//! The messages of the container are those of its schema. They are kept as source, so that a build needs no compiler of
//! schemas.

use std::fs;

use super::{root, text};

/// The messages, relative to the root.
const MESSAGES: &str = "importer/src/container/wire.rs";

/// What stands above the generated code.
const HEAD: &str = "\
//! The messages of `proto/exa.proto`, which documents them. Generated: `tidy` compares, and writes them anew with BLESS=1.

#![allow(missing_docs, unreachable_pub, clippy::all, reason = \"generated from the schema, documented there\")]

";

#[test]
fn the_messages_of_the_container_are_those_of_its_schema() {
    let schema =
        protox::compile(["exa.proto"], [root().join("importer/proto")]).expect("the schema is valid");
    let folder = tempfile::tempdir().expect("a folder");
    let mut generator = prost_build::Config::new();
    generator.disable_comments(["."]).out_dir(folder.path());
    generator.compile_fds(schema).expect("messages of the schema");
    let generated = fs::read_to_string(folder.path().join("exactum.exa.rs")).expect("the messages");
    let wanted = format!("{HEAD}{generated}");
    if std::env::var_os("BLESS").is_some() {
        fs::write(root().join(MESSAGES), &wanted).expect("the messages are written");
    }
    assert!(text(MESSAGES) == wanted, "{MESSAGES} is outdated; BLESS=1 with this test rewrites it");
}
