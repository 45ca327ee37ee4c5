//! The compiler that recorded numbers belong to. Called by the suites `firmware` and `boards`.

use std::path::Path;
use std::process::Command;

/// The compiler of the firmware, as Cargo names its release.
pub fn of_firmware() -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.ci/firmware-cargo");
    let output = Command::new(script).arg("--version").output();
    output.map_or(String::new(), |output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
