"""Ways to look at a graph: as text, as a formula, as a drawing, as data for other programs."""

from symgraph.show.export import export
from symgraph.show.json_graph import load_json
from symgraph.show.notebook import pictures
from symgraph.show.pretty import pp, pprint
from symgraph.show.printing import debugprint
from symgraph.show.report import report

__all__ = ["debugprint", "export", "load_json", "pictures", "pp", "pprint", "report"]
