//! The arguments of `wharf topology`.

use std::path::PathBuf;

use clap::Args;

/// `wharf topology`.
#[derive(Debug, Args)]
pub(crate) struct TopologyArgs {
    /// One that is ready, or a file with [node.X] and [segment.X]; none: list those that are ready
    #[arg(value_name = "NAME|FILE")]
    pub(crate) which: Option<String>,
    /// Write the picture as SVG into a file
    #[arg(long, value_name = "FILE", requires = "which", conflicts_with_all = ["json", "path"])]
    pub(crate) svg: Option<PathBuf>,
    /// The way of packets from one node to another, hop by hop, for IPv4 and IPv6. Firewalls on
    /// it are shown, and not asked
    #[arg(long, num_args = 2, value_names = ["FROM", "TO"], requires = "which")]
    pub(crate) path: Option<Vec<String>>,
    /// As JSON
    #[arg(long)]
    pub(crate) json: bool,
}
