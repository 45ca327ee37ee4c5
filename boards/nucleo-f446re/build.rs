//! Hands the linker the memory of the board.

fn main() -> std::io::Result<()> {
    exactum_board_build::link_cortex_m()
}
