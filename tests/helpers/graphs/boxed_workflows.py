"""Which shipped workflows are drawn with boxes, and which show every node."""

from keyvid_pack.tools.environment import ROOT

WORKFLOWS = ROOT / "workflows"
ALL_NODES = "_all_nodes"  # ends the names of workflows that are there to show every node and wire
# drawn with every node at the top
OPEN = {
    "dynamicrafter_i2v",
    "keyvid_ltx_edits",
    "keyvid_storyboard_interpolate",
    "keyvid_wan_segments",
    "keyvid_wan_vace_edits",
}
NAMES = sorted(path.stem for path in WORKFLOWS.glob("*.json"))
BOXED = [name for name in NAMES if name not in OPEN and not name.endswith(ALL_NODES)]
