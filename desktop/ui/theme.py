"""How everything looks: a dozen colours, one style sheet, fonts, icons.

Fusion with our own palette; ``resources/app.qss`` is a template whose ``$names``
are the tokens below. Red is kept for errors and what is overdue.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from functools import cache
from importlib.resources import as_file, files
from string import Template

from PySide6.QtCore import QByteArray, QLibraryInfo, QLocale, QSize, Qt, QTranslator
from PySide6.QtGui import QColor, QFont, QGuiApplication, QIcon, QPainter, QPalette, QPixmap
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QApplication

ROW = 28
"""Height of a table row and of a control."""

UNIT = 4
"""The grid all distances are multiples of."""

FAMILIES = (
    "Microsoft YaHei UI",
    "Microsoft YaHei",
    "Noto Sans CJK SC",
    "Source Han Sans SC",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
)


@dataclass(frozen=True, slots=True)
class Tokens:
    """The colours; nothing else in the program names one."""

    ground: str = "#faf8f4"  # warm white, behind everything
    paper: str = "#ffffff"  # what is read or typed on
    sunken: str = "#f1ede5"  # rail, headers, status bar
    line: str = "#d9d3c7"
    ink: str = "#23272e"
    muted: str = "#676d76"
    accent: str = "#1f4e8c"
    accent_soft: str = "#dfe9f6"
    danger: str = "#b3261e"
    good: str = "#27693a"
    wait: str = "#8a5a00"
    mark: str = "#ffe9a8"  # behind words that were searched for


TOKENS = Tokens()

TONES = {
    "plain": TOKENS.ink,
    "wait": TOKENS.wait,
    "good": TOKENS.good,
    "bad": TOKENS.danger,
    "off": TOKENS.muted,
    "accent": TOKENS.accent,
}
"""Colours of states by ``Lifecycle`` tone."""

STANDING_TONES = {
    "草稿": "off",
    "待同步": "wait",
    "已封装": "accent",
    "已入库": "good",
    "已归档": "off",
    "有冲突": "bad",
    "待前序": "wait",
    "隔离待审": "bad",
    "已退回": "bad",
}
"""Tone of where a record stands, by its word."""


def tone(name: str) -> QColor:
    """Text colour of a tone (``"plain" | "wait" | "good" | "bad" | "off" | "accent"``)."""
    return QColor(TONES[name])


def colour(token: str) -> QColor:
    """A colour by the name of its token."""
    return QColor(getattr(TOKENS, token))


def soften(token: str, share: float = 0.1) -> str:
    """A light ground of that colour: the token mixed into paper."""
    strong, paper = colour(token), colour("paper")
    mixed = (
        round(getattr(strong, part)() * share + getattr(paper, part)() * (1 - share))
        for part in ("red", "green", "blue")
    )
    return "#{:02x}{:02x}{:02x}".format(*mixed)


def apply_theme(app: QApplication, point_size: int = 10) -> None:
    """Style the whole program; call again to change the type size (9 to 12).

    What stands already is not set again: Qt goes through every living widget for each of these.
    """
    font, sheet = text_font(point_size), _style_sheet()
    if app.styleSheet() != sheet:
        app.setStyle("Fusion")
        app.setPalette(_palette())
    elif app.font() == font:
        return
    app.setFont(font)
    app.setStyleSheet(sheet)  # also for another font: who is styled by the sheet hears of it only so
    app.setEffectEnabled(Qt.UIEffect.UI_AnimateCombo, False)
    app.setEffectEnabled(Qt.UIEffect.UI_AnimateMenu, False)
    app.setEffectEnabled(Qt.UIEffect.UI_FadeMenu, False)
    _translate(app)


def text_font(point_size: int) -> QFont:
    """The text font; digits of equal width so that columns of numbers line up."""
    font = QFont()
    font.setFamilies(list(FAMILIES))
    font.setPointSize(point_size)
    font.setFeature(QFont.Tag("tnum"), 1)
    return font


def icon(name: str, shade: str = "ink") -> QIcon:
    """The line icon of that name in ``resources/icons``, drawn in the colour of a token."""
    drawn = QIcon()
    source = _svg(name)
    ratios = {1.0} | {screen.devicePixelRatio() for screen in QGuiApplication.screens()}
    looks = (
        (QIcon.Mode.Normal, shade),
        (QIcon.Mode.Active, shade),
        (QIcon.Mode.Selected, shade),
        (QIcon.Mode.Disabled, "muted"),
    )
    for mode, colour_name in looks:
        renderer = QSvgRenderer(
            QByteArray(source.replace("currentColor", getattr(TOKENS, colour_name)).encode())
        )
        for ratio in ratios:
            for side in (16, 20):
                pixels = math.ceil(side * ratio)
                pixmap = QPixmap(QSize(pixels, pixels))
                pixmap.fill(Qt.GlobalColor.transparent)
                painter = QPainter(pixmap)
                renderer.render(painter)
                painter.end()
                pixmap.setDevicePixelRatio(ratio)
                drawn.addPixmap(pixmap, mode)
    return drawn


@cache
def _svg(name: str) -> str:
    return (files("resources") / "icons" / f"{name}.svg").read_text(encoding="utf-8")


def _style_sheet() -> str:
    template = Template((files("resources") / "app.qss").read_text(encoding="utf-8"))
    soft = {f"{name}_soft": soften(name) for name in ("danger", "good", "wait")}
    soft["grid"] = colour("line").lighter(108).name()
    soft["sunken_hover"] = colour("sunken").darker(104).name()
    soft["handle_hover"] = colour("line").darker(118).name()
    soft["accent_hover"] = colour("accent").lighter(120).name()
    soft["accent_down"] = colour("accent").darker(130).name()
    with as_file(files("resources") / "icons") as folder:
        return template.substitute(asdict(TOKENS), **soft, row=ROW, icons=folder.as_posix())


def _palette() -> QPalette:
    palette = QPalette()
    role = QPalette.ColorRole
    for which, token in (
        (role.Window, "ground"),
        (role.WindowText, "ink"),
        (role.Base, "paper"),
        (role.AlternateBase, "ground"),
        (role.Text, "ink"),
        (role.Button, "paper"),
        (role.ButtonText, "ink"),
        (role.ToolTipBase, "paper"),
        (role.ToolTipText, "ink"),
        (role.Highlight, "accent"),
        (role.HighlightedText, "paper"),
        (role.Link, "accent"),
        (role.LinkVisited, "accent"),
        (role.PlaceholderText, "muted"),
        (role.Accent, "accent"),
        (role.Light, "paper"),
        (role.Midlight, "sunken"),
        (role.Mid, "line"),
        (role.Dark, "muted"),
    ):
        palette.setColor(which, colour(token))
    for which in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, which, colour("muted"))
    return palette


def _translate(app: QApplication) -> None:
    """Qt's own words in Chinese; once per application."""
    QLocale.setDefault(QLocale(QLocale.Language.Chinese, QLocale.Country.China))
    if app.findChild(QTranslator, "qtbase_zh_CN") is not None:
        return
    translator = QTranslator(app)
    translator.setObjectName("qtbase_zh_CN")
    if translator.load("qtbase_zh_CN", QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath)):
        app.installTranslator(translator)
