"""The software bill of materials: CycloneDX, the same bytes for the same bundle."""

from collections.abc import Iterable
from datetime import datetime
from uuid import NAMESPACE_URL, uuid5

from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import LicenseExpression
from cyclonedx.output.json import JsonV1Dot6
from dependencies import Dependency
from packageurl import PackageURL


def bill_of_materials(dependencies: Iterable[Dependency], *, version: str, date: datetime) -> str:
    """CycloneDX 1.6 as JSON; the serial number is made of the contents."""
    product = _component("pokepodsd", version, "Apache-2.0", kind=ComponentType.APPLICATION)
    parts = [_component(one.name, one.version, one.licence) for one in dependencies]
    bom = Bom(components=parts)
    bom.metadata.component = product
    bom.metadata.timestamp = date
    bom.register_dependency(product, parts)
    bom.serial_number = uuid5(NAMESPACE_URL, " ".join(sorted(str(one.purl) for one in parts)))
    text: str = JsonV1Dot6(bom).output_as_string(indent=2)
    return text + "\n"


def _component(
    name: str, version: str, licence: str, *, kind: ComponentType = ComponentType.LIBRARY
) -> Component:
    purl = PackageURL(type="pypi", name=name.lower(), version=version)
    return Component(
        type=kind,
        name=name,
        version=version,
        purl=purl,
        bom_ref=str(purl),
        licenses=[LicenseExpression(licence)],
    )
