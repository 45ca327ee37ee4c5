//! Files in which constants, or the branch of an `If`, have to be computed before anything can be read: what onnxruntime
//! recorded for every sample is what the graph computes.

use std::fs;
use std::path::Path;

use exactum_importer::lift::lift;
use exactum_importer::npy;

use crate::evaluate::evaluate;

#[test]
fn files_with_computed_constants_are_read() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/computed");
    let folders = |path: &Path| -> Vec<_> {
        let paths = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
        paths.filter(|path| path.is_dir()).collect()
    };
    let mut compared = 0;
    for fixture in folders(&folder).iter().flat_map(|kind| folders(kind)) {
        let name = fixture.display().to_string();
        let file = exactum_qonnx::read(&fs::read(fixture.join("model.onnx")).unwrap()).unwrap();
        let array = |file: &str| npy::read(&fs::read(fixture.join(file)).unwrap()).unwrap();
        let graph = lift(&file).unwrap_or_else(|report| panic!("{name}: {report}"));
        let (inputs, outputs) = (array("input_0.npy"), array("output_0.npy"));
        let samples = inputs.shape[0];
        let size = |all: &[f64]| all.len() / samples;
        for sample in 0..samples {
            let input = inputs.values.chunks(size(&inputs.values)).nth(sample).unwrap().to_vec();
            let recorded = outputs.values.chunks(size(&outputs.values)).nth(sample).unwrap();
            assert_eq!(evaluate(&graph, &[input])[0].data, recorded, "{name}, sample {sample}");
        }
        compared += 1;
    }
    assert!(compared >= 12, "{compared} files were compared");
}
