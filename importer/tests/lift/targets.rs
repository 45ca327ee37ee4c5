//! What a target decides: forms and packings, and that every choice computes the same integers.

use exactum_importer::compile_for;
use exactum_importer::graph::Graph;
use exactum_importer::target::{Prefer, Target};
use exactum_qonnx::Model;
use exactum_runtime::program::Packing;

fn model(name: &str) -> Model {
    let path = format!("{}/../tests/fixtures/brevitas/{name}/model.onnx", env!("CARGO_MANIFEST_DIR"));
    exactum_qonnx::read(&std::fs::read(path).unwrap()).unwrap()
}

/// A target with `flash` bytes of flash, which has the costs of `like`.
fn with_flash(like: &str, flash: u64) -> Target {
    let mut target = Target::named(like).unwrap();
    target.facts.flash_bytes = Some(flash);
    target
}

fn packings(graph: &Graph) -> Vec<Packing> {
    graph.nodes.iter().filter_map(|node| node.packing).collect()
}

#[test]
fn weights_are_packed_smaller_only_as_far_as_flash_demands() {
    for (like, name) in [("mps2-an386", "mlp_4bit"), ("portable", "mlp_4bit"), ("mps2-an386", "mobilenet")] {
        let model = model(name);
        let roomy = compile_for(&model, &with_flash(like, 1 << 20)).unwrap();
        let whole = roomy.image.len();
        let nibbles = |graph: &Graph| packings(graph).iter().filter(|p| **p == Packing::Nibbles).count();
        // Where nothing was measured, nothing is thought faster than the packing of the layer's kind.
        assert!(like != "portable" || nibbles(&roomy.scheduled) == 0, "{name}");
        let tight = compile_for(&model, &with_flash(like, 1)).unwrap();
        let smallest = tight.image.len();
        assert!(smallest < whole, "{name}: {smallest} of {whole} bytes");
        assert!(!tight.target.holds(smallest as u64, 0, 0).is_empty(), "no packing makes it fit");
        let between = compile_for(&model, &with_flash(like, whole as u64 - 8)).unwrap();
        let found = between.image.len();
        assert!(found <= whole - 8 && found >= smallest, "{name}: {found} of {whole} bytes");
        assert_ne!(packings(&between.scheduled), packings(&roomy.scheduled), "{name}");
        assert!(nibbles(&between.scheduled) >= nibbles(&roomy.scheduled));
        assert!(nibbles(&between.scheduled) <= nibbles(&tight.scheduled));
        // The graph says it, in text as well.
        let again: Graph = between.scheduled.to_string().parse().unwrap();
        assert_eq!(packings(&again), packings(&between.scheduled));
    }
}

/// Where flash is preferred no packing is smaller, as where there is none; of packings of one size the fastest is chosen.
#[test]
fn weights_are_packed_as_small_as_can_be_where_flash_is_preferred() {
    for (like, name) in [("mps2-an386", "mlp_4bit"), ("portable", "mlp_4bit"), ("mps2-an386", "mobilenet")] {
        let model = model(name);
        let small = Target { prefer: Prefer::Flash, ..Target::named(like).unwrap() };
        let preferred = compile_for(&model, &small).unwrap();
        let forced = compile_for(&model, &with_flash(like, 1)).unwrap();
        assert_eq!(preferred.image.len(), forced.image.len(), "{name} for {like}");
        let roomy = compile_for(&model, &with_flash(like, 1 << 20)).unwrap();
        assert!(preferred.image.len() < roomy.image.len(), "{name} for {like}");
    }
}

#[test]
fn layers_have_the_packing_of_their_kind_where_nothing_is_known() {
    let compiled = compile_for(&model("mobilenet"), &Target::portable()).unwrap();
    let found = packings(&compiled.scheduled);
    assert!(found.contains(&Packing::RowMajor) && found.contains(&Packing::TapMajor), "{found:?}");
    assert!(!found.contains(&Packing::Nibbles));
}
