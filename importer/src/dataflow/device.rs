//! FPGAs that designs can be described for. A part name such as `xc7z020clg400-1` selects its device.

use serde::Serialize;

/// Generation of the multipliers, which decides what FINN can build from them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum DspFamily {
    /// 7 series: 25 by 18 bits.
    #[serde(rename = "DSP48E1")]
    Dsp48E1,
    /// UltraScale and UltraScale+: 27 by 18 bits.
    #[serde(rename = "DSP48E2")]
    Dsp48E2,
}

/// An FPGA and what it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Device {
    /// Name without package and speed grade.
    pub name: &'static str,
    /// Look-up tables.
    pub luts: u32,
    /// Block memories of 18 Kbit; one of 36 Kbit counts as two.
    pub bram_18k: u32,
    /// Multipliers.
    pub dsps: u32,
    /// Ultra memories of 288 Kbit.
    pub urams: u32,
    /// Generation of the multipliers.
    pub dsp_family: DspFamily,
}

/// All devices. Figures: AMD data sheets DS180 (7 series), DS190 (Zynq-7000), DS891 (Zynq UltraScale+ MPSoC) and
/// DS889 (Zynq UltraScale+ RFSoC).
pub const DEVICES: &[Device] = &[
    device("xc7z010", 17_600, 120, 80, 0, DspFamily::Dsp48E1),
    device("xc7z020", 53_200, 280, 220, 0, DspFamily::Dsp48E1),
    device("xc7z045", 218_600, 1_090, 900, 0, DspFamily::Dsp48E1),
    device("xc7a35t", 20_800, 100, 90, 0, DspFamily::Dsp48E1),
    device("xc7a100t", 63_400, 270, 240, 0, DspFamily::Dsp48E1),
    device("xczu3eg", 70_560, 432, 360, 0, DspFamily::Dsp48E2),
    device("xczu7ev", 230_400, 624, 1_728, 96, DspFamily::Dsp48E2),
    device("xczu9eg", 274_080, 1_824, 2_520, 0, DspFamily::Dsp48E2),
    device("xczu28dr", 425_280, 2_160, 4_272, 80, DspFamily::Dsp48E2),
];

const fn device(
    name: &'static str,
    luts: u32,
    bram_18k: u32,
    dsps: u32,
    urams: u32,
    dsp_family: DspFamily,
) -> Device {
    Device { name, luts, bram_18k, dsps, urams, dsp_family }
}

impl Device {
    /// The device called `name`, or the one of which `name` is a part.
    pub fn named(name: &str) -> Option<&'static Self> {
        let name = name.to_ascii_lowercase();
        DEVICES.iter().find(|device| {
            // After the device comes the package in letters: `xc7z0200` is no xc7z020.
            let rest = name.strip_prefix(device.name);
            rest.is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_digit()))
        })
    }
}
