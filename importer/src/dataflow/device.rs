//! FPGAs and boards that designs can be described for: data files in `devices`, one for each family.
//!
//! A part name such as `xc7z020clg400-1` selects its device. Called by the command line and by `Target`.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::diagnostic::{Code, Diagnostic, Location, Result};

/// The data files: families of devices with what is common to them.
const FAMILIES: [&str; 5] = [
    include_str!("../../devices/7-series.toml"),
    include_str!("../../devices/ultrascale-plus.toml"),
    include_str!("../../devices/ice40.toml"),
    include_str!("../../devices/ecp5.toml"),
    include_str!("../../devices/gowin.toml"),
];

/// Generation of the multipliers, which decides what FINN can build from them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DspFamily {
    /// 7 series: 25 by 18 bits.
    #[serde(rename = "DSP48E1")]
    Dsp48E1,
    /// UltraScale and UltraScale+: 27 by 18 bits.
    #[serde(rename = "DSP48E2")]
    Dsp48E2,
}

/// An FPGA and what it holds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Device {
    /// Name without package and speed grade.
    pub name: String,
    /// Other names.
    #[serde(skip)]
    pub aliases: Vec<String>,
    /// Look-up tables.
    pub luts: u64,
    /// Inputs of a look-up table.
    pub lut_inputs: u32,
    /// Words of one bit that a look-up table can hold as a memory; 1 where its flip-flop has to.
    pub lut_ram_words: u64,
    /// Flip-flops.
    pub flip_flops: u64,
    /// Block memories of the shapes below; of AMD's devices those of 18 Kbit, of which two make one of 36 Kbit.
    pub block_memories: u64,
    /// Words and bits of a word that a block memory can have, narrowest first.
    pub block_shapes: Vec<[u64; 2]>,
    /// Ultra memories of 288 Kbit.
    pub urams: u64,
    /// Multipliers.
    pub dsps: u64,
    /// Generation of the multipliers; none where FINN builds nothing from them.
    pub dsp_family: Option<DspFamily>,
    /// Period of a clock that designs reach there.
    #[serde(skip)]
    pub clock_ns: f64,
}

/// A board with an FPGA.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Board {
    /// Name.
    pub name: String,
    /// Other names.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// Name of its device.
    pub device: String,
}

/// A data file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Family {
    lut_inputs: u32,
    lut_ram_words: u64,
    block_shapes: Vec<[u64; 2]>,
    dsp_family: Option<DspFamily>,
    clock_ns: Option<f64>,
    device: Vec<Entry>,
    board: Vec<Board>,
}

/// A device in a data file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Entry {
    name: String,
    #[serde(default)]
    aliases: Vec<String>,
    luts: u64,
    flip_flops: u64,
    block_memories: u64,
    #[serde(default)]
    urams: u64,
    dsps: u64,
    clock_ns: Option<f64>,
}

struct Catalog {
    devices: Vec<Device>,
    boards: Vec<Board>,
}

static CATALOG: LazyLock<Catalog> = LazyLock::new(|| {
    let mut catalog = Catalog { devices: vec![], boards: vec![] };
    for text in FAMILIES {
        let family: Family = toml::from_str(text).expect("data files of this crate are complete");
        let device = |entry: Entry| Device {
            name: entry.name,
            aliases: entry.aliases,
            luts: entry.luts,
            lut_inputs: family.lut_inputs,
            lut_ram_words: family.lut_ram_words,
            flip_flops: entry.flip_flops,
            block_memories: entry.block_memories,
            block_shapes: family.block_shapes.clone(),
            urams: entry.urams,
            dsps: entry.dsps,
            dsp_family: family.dsp_family,
            clock_ns: entry.clock_ns.or(family.clock_ns).unwrap_or(10.0),
        };
        catalog.devices.extend(family.device.into_iter().map(device));
        catalog.boards.extend(family.board);
    }
    catalog
});

impl Device {
    /// All devices.
    pub fn all() -> &'static [Self] {
        &CATALOG.devices
    }

    /// The device called `name`, or the one of which `name` is a part.
    ///
    /// # Errors
    /// E0601 with the names of all devices.
    pub fn named(name: &str) -> Result<&'static Self> {
        let wanted = plain(name);
        let names = |device: &'static Self| device.aliases.iter().chain([&device.name]);
        let is_part = |known: &String| {
            // After the device comes the package in letters: `xc7z0200` is no xc7z020.
            let rest = wanted.strip_prefix(known.as_str());
            rest.is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_digit()))
        };
        let longest =
            |device: &'static Self| names(device).filter(|known| is_part(known)).map(String::len).max();
        let found = Self::all().iter().filter_map(|device| Some((longest(device)?, device)));
        found.max_by_key(|(length, _)| *length).map(|(_, device)| device).ok_or_else(|| {
            let known: Vec<&str> = Self::all().iter().map(|device| device.name.as_str()).collect();
            unknown("device", name, &known)
        })
    }
}

impl Board {
    /// All boards.
    pub fn all() -> &'static [Self] {
        &CATALOG.boards
    }

    /// The device of the board called `name`.
    ///
    /// # Errors
    /// E0601 with the names of all boards.
    pub fn device_of(name: &str) -> Result<&'static Device> {
        let wanted = plain(name);
        let is_called = |board: &&Self| board.name == wanted || board.aliases.contains(&wanted);
        match Self::all().iter().find(is_called) {
            Some(board) => Device::named(&board.device),
            None => {
                let known: Vec<&str> = Self::all().iter().map(|board| board.name.as_str()).collect();
                Err(unknown("board", name, &known))
            }
        }
    }
}

fn plain(name: &str) -> String {
    name.to_ascii_lowercase().replace('_', "-")
}

fn unknown(part: &'static str, found: &str, known: &[&str]) -> crate::diagnostic::Report {
    let needed = format!("one of {}", known.join(", "));
    Diagnostic::new(Code::UnknownDevice, Location::part(part), found, needed).into()
}

/// The names of all devices and boards, for people.
pub fn listed() -> String {
    let devices: Vec<&str> = Device::all().iter().map(|device| device.name.as_str()).collect();
    let boards: Vec<&str> = Board::all().iter().map(|board| board.name.as_str()).collect();
    format!("Devices: {}\n\nBoards: {}", devices.join(", "), boards.join(", "))
}
