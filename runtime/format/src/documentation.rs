//! Keeps the tables of `docs/program-format.md` equal to the declarations they describe.
//!
//! `BLESS=1 cargo test -p exactum-format documentation` rewrites them.

extern crate std;

use std::string::String;
use std::{format, fs, vec::Vec};

use exactum_num::requant::FormKind;

use crate::constants::ConstRef;
use crate::kind::OpKind;
use crate::layer::LayerRecord;
use crate::meaning::MeaningRecord;
use crate::op::{MultipliersRecord, Op, OpHeader};
use crate::packing::Packing;
use crate::port::{InputRecord, OutputRecord};
use crate::program::Header;
use crate::record::Field;
use crate::requant::RequantRecord;
use crate::state::StateRecord;
use crate::tensor::TensorRecord;
use crate::window::Window2d;

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/program-format.md");

fn fields(start_bytes: usize, fields: &[Field]) -> String {
    let mut table = String::from("| offset | field | type | meaning |\n|---|---|---|---|\n");
    for Field { offset_bytes, name, ty, about } in fields {
        let offset_bytes = start_bytes + offset_bytes;
        table += &format!("| {offset_bytes} | `{name}` | `{ty}` | {about} |\n");
    }
    table
}

fn kinds() -> String {
    let mut table = String::from("| kind | name | computes |\n|---|---|---|\n");
    for kind in OpKind::ALL {
        table += &format!("| {} | `{}` | {} |\n", kind.code(), kind.name(), kind.about());
    }
    table
}

fn forms() -> String {
    let mut table = String::from("| form | name | arrays | value before the clamp |\n|---|---|---|---|\n");
    for form in FormKind::ALL {
        let arrays: Vec<_> = form.arrays().iter().map(|(name, ty)| format!("`{name}: {ty}`")).collect();
        let (number, name) = (form.number(), form.name());
        table += &format!("| {number} | `{name}` | {} | {} |\n", arrays.join(", "), form.formula());
    }
    table
}

fn packings() -> String {
    let mut table = String::from("| packing | name | elements | places |\n|---|---|---|---|\n");
    for packing in Packing::ALL {
        let elements: Vec<_> = packing.elements().iter().map(|element| format!("`{element}`")).collect();
        let (code, name) = (packing.code(), packing.name());
        table += &format!("| {code} | `{name}` | {} | {} |\n", elements.join(", "), packing.about());
    }
    table
}

/// Every table with its name in the document.
fn tables() -> Vec<(String, String)> {
    let mut tables = Vec::from([
        ("header", fields(0, Header::FIELDS)),
        ("tensor", fields(0, TensorRecord::FIELDS)),
        ("input", fields(0, InputRecord::FIELDS)),
        ("state", fields(0, StateRecord::FIELDS)),
        ("meaning", fields(0, MeaningRecord::FIELDS)),
        ("output", fields(0, OutputRecord::FIELDS)),
        ("op", fields(0, OpHeader::FIELDS)),
        ("kinds", kinds()),
        ("ConstRef", fields(0, ConstRef::FIELDS)),
        ("Window2d", fields(0, Window2d::FIELDS)),
        ("LayerRecord", fields(0, LayerRecord::FIELDS)),
        ("packings", packings()),
        ("MultipliersRecord", fields(0, MultipliersRecord::FIELDS)),
        ("RequantRecord", fields(0, RequantRecord::FIELDS)),
        ("forms", forms()),
    ])
    .into_iter()
    .map(|(name, table)| (String::from(name), table))
    .collect::<Vec<_>>();
    for (kind, record) in Op::RECORDS {
        tables.push((String::from(kind.name()), fields(size_of::<OpHeader>(), record)));
    }
    tables
}

#[test]
fn documentation_matches_the_declarations() {
    let found = fs::read_to_string(PATH).unwrap();
    let mut expected = found.clone();
    for (name, table) in tables() {
        let begin = format!("<!-- table: {name} -->\n");
        let start = expected.find(&begin).expect(&begin) + begin.len();
        let length = expected[start..].find("<!-- end -->").expect(&begin);
        expected.replace_range(start..start + length, &table);
    }
    if std::env::var_os("BLESS").is_some() {
        fs::write(PATH, &expected).unwrap();
    } else {
        assert_eq!(found, expected, "run with BLESS=1 to rewrite the tables");
    }
}
