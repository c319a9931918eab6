"""Charts and the lineage drawing as SVG text: one function draws for the pages and for the PDF.

The pages take the default palette (`currentColor`, both themes); documents pass `palette=charts.PRINT`.
"""

from .drawing import PRINT, SCREEN, Palette
from .graph import lineage
from .plots import bars, lines, spark

__all__ = ["PRINT", "SCREEN", "Palette", "bars", "lineage", "lines", "spark"]
