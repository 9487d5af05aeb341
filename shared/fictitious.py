"""Fictitious market entities and records, for the demonstration, tests and benchmarks.

Deterministic by seed. Codes are valid in form, and visibly not real: the
organization code inside begins with ``XN`` (虚拟). Nothing here may ever be
attached to a real company.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from functools import lru_cache
from math import gcd
from typing import Any, NamedTuple

from shared.identifiers import make_uscc
from shared.resource_files import read_codes_file
from shared.rules import LEGAL, TRADER

_FIRST = "青栎霁岫朔苇棠砚溯汀笺樾黛芷檐渡篱麓苔榆蓼垣荞泠"
_SECOND = "舟穗驿屿筠埠枝禾汐笙桨梭铎壶庐畹笠砧篷篝碇杼棹畦"
_SURNAMES = "言岑佘束卓阮秋游骆纪舒屈祝蔺訾郗冼靳"
_GIVEN = "初溪禾舟砚笙岚汀棠朔苇临序知微晏宁疏桐安"
_ROADS = ("驿东路", "驿西路", "栎林路", "苇塘路", "朔风路", "棠梨路", "汀步街", "砚池街", "溯流路", "麓园路")


class _Trade(NamedTuple):
    word: str
    industry: str
    scope: str


_TRADES = tuple(
    _Trade(*line.split())
    for line in """
餐饮 62 餐饮服务 | 小吃 62 小吃服务 | 茶饮 62 饮料及冷饮服务 | 面馆 62 餐饮服务 | 食品 52 食品零售
粮油 52 粮油零售 | 果蔬 52 果蔬零售 | 水产 51 水产品批发 | 糕点 14 糕点制造 | 豆制品 13 豆制品制造
酱菜 14 调味品制造 | 酿造 15 酒类制造 | 制衣 18 服装制造 | 鞋帽 19 鞋帽制造 | 纺织 17 纺织品制造
家具 21 家具制造 | 木业 20 木制品加工 | 纸品 22 纸制品制造 | 印务 23 印刷服务 | 文具 24 文具制造
玩具 24 玩具制造 | 化工 26 化工产品生产 | 药业 27 药品生产 | 橡塑 29 塑料制品制造 | 陶瓷 30 陶瓷制品制造
钢构 33 金属结构制造 | 五金 33 五金制品制造 | 机械 34 机械设备制造 | 仪表 40 仪器仪表制造 | 电子 39 电子制造
电器 38 电器制造 | 模具 35 模具制造 | 阀门 34 阀门制造 | 汽配 36 汽车配件制造 | 船舶 37 船舶修造
燃气 45 燃气供应 | 供水 46 供水服务 | 建筑 47 房屋建筑施工 | 市政 48 市政工程施工 | 装饰 50 建筑装饰
安装 49 设备安装 | 建材 51 建材批发 | 物资 51 物资批发 | 百货 52 日用百货零售 | 图书 52 图书零售
医药 52 药品零售 | 器械 51 医疗器械批发 | 花卉 52 花卉零售 | 宠物 82 宠物服务 | 物流 54 道路货运
客运 54 道路客运 | 仓储 59 仓储服务 | 快递 60 快递服务 | 航运 55 水上货运 | 旅馆 61 住宿服务
民宿 61 民宿服务 | 软件 65 软件开发 | 网络 64 互联网信息服务 | 数据 65 数据处理服务 | 通信 63 通信服务
物业 70 物业管理 | 租赁 71 设备租赁 | 广告 72 广告设计制作 | 咨询 72 信息咨询 | 会展 72 会议展览服务
人才 72 人力资源服务 | 安保 72 保安服务 | 旅游 72 旅行社服务 | 检测 74 检验检测服务 | 测绘 74 测绘服务
设计 74 工程设计 | 环保 77 环境治理 | 园林 78 园林绿化 | 保洁 82 保洁服务 | 洗染 80 洗染服务
美容 80 生活美容 | 理发 80 理发服务 | 汽修 81 机动车维修 | 培训 83 职业技能培训 | 口腔 84 口腔诊疗
养老 85 养老服务 | 影视 87 影视制作 | 演艺 88 文艺表演 | 健身 89 体育健身 | 电竞 90 娱乐服务
""".replace("\n", "|").split("|")
    if line.strip()
)


class _Suffix(NamedTuple):
    word: str
    entity_type: str
    prefix: str


_SUFFIXES = (
    _Suffix("有限公司", "1130", "91"),
    _Suffix("有限责任公司", "1150", "91"),
    _Suffix("发展有限公司", "1130", "91"),
    _Suffix("实业有限公司", "1110", "91"),
    _Suffix("服务有限公司", "1130", "91"),
    _Suffix("股份有限公司", "1200", "91"),
    _Suffix("合伙企业（有限合伙）", "4530", "91"),
    _Suffix("经营部", "9500", "92"),
    _Suffix("商行", "9500", "92"),
    _Suffix("工作室", "9500", "92"),
)
_TRADER_TYPE = "9500"
MOST = len(_FIRST) * len(_SECOND) * len(_TRADES) * len(_SUFFIXES)
"""How many entities with different names one division can have."""

_STATUSES = ("1",) * 92 + ("2",) * 4 + ("4",) * 3 + ("5",)
_FOUNDED = date(2004, 1, 1).toordinal()
_FOUNDED_DAYS = 7900
_GONE_DAYS = 220


@lru_cache(maxsize=1)
def _divisions() -> dict[str, dict[str, str]]:
    return {row["代码"]: row for row in read_codes_file("divisions.csv")}


@lru_cache(maxsize=8)
def _streets(division: str) -> tuple[str, ...]:
    found = [r["简称"] for r in read_codes_file("streets.csv") if r["上级代码"] == division]
    return tuple(found) or ("城东街道", "城西街道", "驿前镇")


def _place(division: str) -> tuple[str, str]:
    """Full name, and the name a company bears: 上海市宝山区, 上海宝山."""
    here = _divisions()[division]
    above = _divisions().get(division[:2] + "0000", here)
    short = above["简称"].rstrip("省市") if above is not here else ""
    return here["名称"], short + (here["简称"][:-1] or here["简称"])


def market_entities(n: int, division: str = "310113", seed: int = 1) -> Iterator[dict[str, Any]]:
    """Typed values of ``n`` different market entities registered in one division.

    :raises ValueError: more than :data:`MOST` are asked for.
    """
    if n > MOST:
        raise ValueError(f"at most {MOST} entities in one division")
    rng = random.Random(f"{seed}/{division}")
    full, place = _place(division)
    streets = _streets(division)
    step = next(s for s in iter(lambda: rng.randrange(MOST // 3, MOST), None) if gcd(s, MOST) == 1)
    start, serial = rng.randrange(MOST), rng.randrange(1_000_000)
    for i in range(n):
        rest, suffix_no = divmod((start + i * step) % MOST, len(_SUFFIXES))
        rest, trade_no = divmod(rest, len(_TRADES))
        first, second = divmod(rest, len(_SECOND))
        trade, suffix = _TRADES[trade_no], _SUFFIXES[suffix_no]
        dice = rng.random()
        status = _STATUSES[int(dice * len(_STATUSES))]
        founded = _FOUNDED + int(rng.random() * _FOUNDED_DAYS)
        street = streets[int(dice * 9973) % len(streets)]
        house = 1 + int(rng.random() * 1800)
        yield {
            "uscc": make_uscc(suffix.prefix, division, f"XN{(serial + i) % 1_000_000:06d}"),
            "name": f"{place}{_FIRST[first]}{_SECOND[second]}{trade.word}{suffix.word}",
            "entity_type": suffix.entity_type,
            "status": status,
            "legal_person": _person(house, founded),
            "legal_person_id": None,
            "registered_capital": (1 + house % 500) * 1_000_000,
            "established_on": date.fromordinal(founded),
            "industry": trade.industry,
            "division": division,
            "street": street,
            "address": f"{full}{street}{_ROADS[house % len(_ROADS)]}{house}号",
            "scope": f"许可项目：{trade.scope}。一般项目：{trade.word}相关技术咨询。",
            "registry_office": f"{full}市场监督管理局",
            "phone": f"021-0000{house:04d}",
            "registration_no": None,
            "revoked_on": date.fromordinal(founded + _GONE_DAYS) if status in "24" else None,
        }


def _person(one: int, other: int) -> str:
    name = _SURNAMES[one % len(_SURNAMES)] + _GIVEN[other % len(_GIVEN)]
    return name + _GIVEN[(one + other) % len(_GIVEN)] if other % 3 else name


# --- records about them ------------------------------------------------------
def _party(entity: Mapping[str, Any]) -> dict[str, str]:
    return {
        "party_name": entity["name"],
        "party_kind": TRADER if entity["entity_type"] == _TRADER_TYPE else LEGAL,
        "uscc": entity["uscc"],
        "legal_person": entity["legal_person"],
    }


def _source(authority: str, authority_uscc: str) -> dict[str, str]:
    return {
        "authority": authority,
        "authority_uscc": authority_uscc,
        "data_source": authority,
        "data_source_uscc": authority_uscc,
        "remark": "虚构数据，仅供演示",
    }


def _cycled(n: int, entities: Sequence[Mapping[str, Any]]) -> Iterator[tuple[int, Mapping[str, Any]]]:
    return ((i, entities[(i - 1) % len(entities)]) for i in range(1, n + 1))


def permit_rows(
    n: int,
    entities: Sequence[Mapping[str, Any]],
    *,
    item: str = "SP0001",
    authority: str = "驿城市场监督管理局",
    authority_uscc: str = "11310113XN00000122",
    year: int = 2026,
    seed: int = 1,
) -> Iterator[dict[str, str]]:
    """Raw texts of ``n`` permits by field name, as a workbook or a form holds them.

    :param item: code of the approval item all of them rest on.
    """
    rng = random.Random(f"permit/{seed}")
    for i, entity in _cycled(n, entities):
        decided = date(year, 1, 4) + timedelta(days=rng.randrange(140))
        until = date(decided.year + rng.choice((1, 3, 5)), decided.month, 1)
        yield {
            **_party(entity),
            "document_name": "食品经营许可决定书",
            "document_no": f"驿许〔{year}〕{seed:02d}{i:05d}号",
            "category": "普通",
            "licence_name": "食品经营许可证",
            "licence_no": f"JY9{seed:03d}{i:08d}",
            "content": rng.choice(("热食类食品制售", "预包装食品销售", "糕点类食品制售")),
            "decided_on": decided.isoformat(),
            "valid_from": decided.isoformat(),
            "valid_to": until.isoformat(),
            "status": "有效",
            "item": item,
            **_source(authority, authority_uscc),
        }


def penalty_rows(
    n: int,
    entities: Sequence[Mapping[str, Any]],
    *,
    item: str = "CF0001",
    authority: str = "驿城市场监督管理局",
    authority_uscc: str = "11310113XN00000122",
    year: int = 2026,
    seed: int = 1,
) -> Iterator[dict[str, str]]:
    """Raw texts of ``n`` penalties by field name.

    :param item: code of the penalty item all of them rest on.
    """
    rng = random.Random(f"penalty/{seed}")
    for i, entity in _cycled(n, entities):
        decided = date(year, 1, 4) + timedelta(days=rng.randrange(140))
        fine = rng.choice((0, 1000, 2000, 5000, 20000))
        yield {
            **_party(entity),
            "document_no": f"驿罚〔{year}〕{seed:02d}{i:05d}号",
            "offence": "未按规定公示食品经营许可证",
            "facts": f"{year}年检查发现经营场所未在显著位置公示食品经营许可证。",
            "basis": "《食品经营许可和备案管理办法》",
            "categories": "警告；罚款" if fine else "警告",
            "content": f"警告，罚款人民币{fine}元" if fine else "警告",
            "fine": f"{fine / 10_000:g}" if fine else "",
            "decided_on": decided.isoformat(),
            "valid_to": decided.replace(year=decided.year + 1, day=1).isoformat(),
            "published_until": decided.replace(year=decided.year + 1, day=1).isoformat(),
            "item": item,
            **_source(authority, authority_uscc),
        }


_ITEMS: dict[str, tuple[str, tuple[str, ...]]] = {
    "approval_item": (
        "SP",
        ("食品经营许可", "公共场所卫生许可", "旅馆业特种行业许可", "出版物零售许可", "道路货物运输经营许可",
         "娱乐场所经营许可"),
    ),
    "penalty_item": (
        "CF",
        ("对未按规定公示食品经营许可证的处罚", "对未取得卫生许可擅自营业的处罚", "对超范围经营的处罚",
         "对使用未经检定计量器具的处罚", "对发布虚假广告的处罚", "对未按规定明码标价的处罚"),
    ),
    "supervision_item": (
        "JG",
        ("食品经营活动监督检查", "公共场所卫生监督检查", "旅馆业治安检查", "出版物市场检查", "特种设备检查",
         "广告活动检查"),
    ),
}  # fmt: skip


def item_rows(type_name: str, department: str = "驿城市场监督管理局") -> list[dict[str, str]]:
    """Raw texts of a short item list: ``approval_item``, ``penalty_item`` or ``supervision_item``."""
    letters, names = _ITEMS[type_name]
    return [
        {"code": f"{letters}{i:04d}", "name": name, "department": department}
        for i, name in enumerate(names, 1)
    ]
