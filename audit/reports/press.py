"""The PDF renderer: fonts, layout, metadata, attachment. Heavy: imported while a document is rendered."""

from __future__ import annotations

import warnings
from datetime import datetime
from typing import Any

import pydyf
from weasyprint import CSS, HTML, Attachment
from weasyprint.text.fonts import FontConfiguration
from weasyprint.urls import FatalURLFetchingError

from .errors import RenderError
from .fetcher import AssetFetcher
from .plates import NONE, Plates

# One family name per file (and weight and style): files that share a name are merged into one embedded font,
# and the glyphs of the second one come out wrong on paper while text extraction stays right.
FACES = (
    ("Inter", 400, "normal", "inter-regular.woff2"),
    ("Inter", 600, "normal", "inter-semibold.woff2"),
    ("Inter", 400, "italic", "inter-italic.woff2"),
    ("Plex Mono", 400, "normal", "ibm-plex-mono-latin-400-normal.woff2"),
    ("Plex Mono Extended", 400, "normal", "ibm-plex-mono-latin-ext-400-normal.woff2"),
    ("Plex Mono Cyrillic", 400, "normal", "ibm-plex-mono-cyrillic-400-normal.woff2"),
)
RDF = 'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" rdf:about=""'
UA = "http://www.aiim.org/pdfua/ns/id/"
# PDF/A allows metadata outside its own schemas only when the file describes them itself.
CLAIM = (
    f'<rdf:Description {RDF} xmlns:pdfuaid="{UA}" pdfuaid:part="1"/>'
    f'<rdf:Description {RDF} xmlns:pdfaExtension="http://www.aiim.org/pdfa/ns/extension/" '
    'xmlns:pdfaSchema="http://www.aiim.org/pdfa/ns/schema#" '
    'xmlns:pdfaProperty="http://www.aiim.org/pdfa/ns/property#"><pdfaExtension:schemas><rdf:Bag>'
    '<rdf:li rdf:parseType="Resource"><pdfaSchema:schema>'
    "PDF/UA Universal Accessibility Schema</pdfaSchema:schema>"
    f"<pdfaSchema:namespaceURI>{UA}</pdfaSchema:namespaceURI><pdfaSchema:prefix>pdfuaid</pdfaSchema:prefix>"
    '<pdfaSchema:property><rdf:Seq><rdf:li rdf:parseType="Resource">'
    "<pdfaProperty:name>part</pdfaProperty:name>"
    "<pdfaProperty:valueType>Integer</pdfaProperty:valueType>"
    "<pdfaProperty:category>internal</pdfaProperty:category>"
    "<pdfaProperty:description>Part of ISO 14289 that this file claims to meet</pdfaProperty:description>"
    "</rdf:li></rdf:Seq></pdfaSchema:property></rdf:li></rdf:Bag></pdfaExtension:schemas></rdf:Description>"
).encode()
OPTIONS: dict[str, Any] = {"pdf_variant": "pdf/a-3u", "pdf_tags": True}


def font_faces() -> str:
    """The @font-face rules of the shipped fonts."""
    return "".join(
        f'@font-face{{font-family:"{family}";font-weight:{weight};font-style:{style};'
        f'src:url(asset:{name}) format("woff2")}}\n'
        for family, weight, style, name in FACES
    )


def lay_out(text: str, stylesheet: str, plates: Plates = NONE) -> Any:
    """Lay `text` out on pages. Raises RenderError when it asks for anything but a shipped font or one of `plates`."""
    fetcher, fonts = AssetFetcher(plates), FontConfiguration()
    try:
        css = CSS(string=stylesheet, font_config=fonts, url_fetcher=fetcher, base_url="asset:")
        page = HTML(string=text, base_url="asset:", url_fetcher=fetcher)
        return page.render(font_config=fonts, stylesheets=[css], **OPTIONS)
    except FatalURLFetchingError as problem:  # a BaseException: `except Exception` would let it through
        asked = fetcher.refused[-1] if fetcher.refused else "an unknown address"
        raise RenderError(f"The document asked for {asked[:80]!r}, which a report may not load.") from problem
    except RecursionError as problem:
        raise RenderError("The document is nested too deeply to be laid out.") from problem


def write(document: Any, snapshot: bytes, digest: str, taken: datetime) -> bytes:
    """The bytes of the PDF, with the snapshot attached and dated by the moment it was taken."""
    made = document.metadata.generate_rdf_metadata
    document.metadata.generate_rdf_metadata = lambda *parts: made(*parts).replace(
        b"</rdf:RDF>", CLAIM + b"</rdf:RDF>"
    )
    attachment = Attachment(
        string=snapshot,
        name="snapshot.json",
        description="The frozen snapshot this document was rendered from (canonical JSON).",
        created=taken,
        modified=taken,
        relationship="Source",
        url_fetcher=AssetFetcher(),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # the renderer leaves its colour profile open
        written: bytes = document.write_pdf(
            finisher=_tidy, pdf_identifier=digest[:32].encode(), attachments=[attachment], **OPTIONS
        )
    return written


def _tidy(_document: Any, pdf: Any) -> None:
    """Drop the empty resource dictionaries and the repeated attachment entries that the renderer writes."""
    for part in pdf.objects:
        if isinstance(part, dict):
            for key in ("Pattern", "Shading"):
                if part.get(key) == {}:
                    del part[key]
    if "AF" in pdf.catalog:
        pdf.catalog["AF"] = pydyf.Array(dict.fromkeys(bytes(entry) for entry in pdf.catalog["AF"]))
