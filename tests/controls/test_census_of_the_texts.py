"""Controls: no figure and no method of the five texts drops out of the catalogue unnoticed.

Each row is (text, the figure or method in the text's own words, the claim that judges it). What is no claim about
keeping customers stands in `SET_ASIDE` with the reason, so that leaving something out is a decision and not a slip.
"""

from __future__ import annotations

from churnsim.claims.catalogue import CATALOGUE, GROUPS

CENSUS = (
    # 000: after-marketing management
    ("000", "NPV×(1-流失率)+潛在顧客", "customer-asset-equation"),
    ("000", "收入和利潤的大部分來自現有顧客", "existing-revenue"),
    ("000", "5~10倍", "acquisition-multiple"),
    ("000", "重新奪回一個顧客 … 5~10倍", "win-back-odds"),
    ("000", "維繫老顧客的成本 … 低得多", "cheaper-to-serve"),
    ("000", "低成本、低風險、高績效", "low-risk"),
    ("000", "20%的顧客 80%的收入和利潤", "eighty-twenty"),
    ("000", "最糟糕的20% 利潤減少50%", "worst-twenty"),
    ("000", "誰是最重要的顧客", "abc-management"),
    ("000", "90%的不滿意顧客不再購買", "dissatisfied-leave"),
    ("000", "及時補救 82%~95%", "recovery-retains"),
    ("000", "一般願意返回", "win-back-odds"),
    ("000", "七種策略", "six-strategies"),
    # 001: lecture on keeping existing customers
    ("001", "-51 30 42 44 49 55 → 111.7", "card-npv"),
    ("001", "关系越长,价值就越大", "longer-is-worth-more"),
    ("001", "75% 80% … 8.5 14 … 5.67 9.2", "retention-table"),
    ("001", "5倍", "acquisition-multiple"),
    ("001", "降低5% 增加25%~85%", "five-percent-churn"),
    ("001", "60%的新顾客", "referral-share"),
    ("001", "蒸发 转换 市场份额", "customer-flow"),
    ("001", "关系阶梯", "relationship-ladder"),
    ("001", "质量→满意→忠诚→份额", "path-model"),
    ("001", "SERVQUAL 22 项, 五差距", "servqual"),
    ("001", "1 500 / 630 = 2.5; 800 / 250 = 3.2", "very-satisfied"),
    ("001", "100: 4% 25% 96% 95% → 92%", "complaint-tree"),
    ("001", "4%抱怨", "complaint-visibility"),
    ("001", "95%流失", "dissatisfied-leave"),
    ("001", "Oliver 1980; 公平模型", "disconfirmation"),
    ("001", "ACSI", "acsi"),
    ("001", "基本要素 绩效要素 激励要素", "kano"),
    ("001", "重要性、绩效矩阵", "importance-performance"),
    ("001", "施乐 1987; PIMS", "satisfaction-share"),
    ("001", "V = Σαu / Σβc", "customer-value-ratio"),
    ("001", "经济 社交 结构绑定; 哈雷 30万会员", "bonds"),
    # 002: marketing innovation of small firms
    ("002", "20%35%的利润; 20%85%的利润", "repeat-premium"),
    ("002", "每增长5, 利润则增加25", "regular-customers"),
    ("002", "减少5% 25%85%", "five-percent-churn"),
    ("002", "银行 2倍, 5%以下, 1/2", "loyal-bank"),
    ("002", "80的销售业绩来自于20", "eighty-twenty"),
    ("002", "20%40%的银行新客户", "referral-share"),
    ("002", "交叉销售 加倍的业绩", "cross-selling"),
    ("002", "6倍", "acquisition-multiple"),
    ("002", "成交机会 50", "second-sale"),
    ("002", "710倍; 3500 / 275 → 13", "best-customer"),
    ("002", "降低营销成本", "cheaper-to-serve"),
    ("002", "RFM、回归、因子、聚类", "gold-customers"),
    # 003: nine steps
    ("003", "九步法", "nine-steps"),
    ("003", "内部忠诚", "internal-loyalty"),
    ("003", "80/20", "eighty-twenty"),
    ("003", "千万不要平均分配; ABC", "abc-management"),
    ("003", "俱乐部营销", "club"),
    ("003", "精准营销", "precision"),
    ("003", "数据库营销 六大过程", "database-loop"),
    ("003", "1:9", "complaint-visibility"),
    ("003", "二分之一", "win-back-odds"),
    # 004: winning lost customers back
    ("004", "10%~30%", "annual-churn"),
    ("004", "5% 新, 40% 老", "win-back-odds"),
    ("004", "100个满意 25个新", "referral-share"),
    ("004", "一个投诉 20名", "complaint-visibility"),
    ("004", "6~10倍", "acquisition-multiple"),
    ("004", "提高2成 40%", "service-level"),
    ("004", "放弃“无效”顾客", "dismiss-unprofitable"),
    ("004", "“终身价值” 确定挽回哪些顾客", "win-back-selection"),
    ("004", "售后服务成本 … 较低", "cheaper-to-serve"),
    ("004", "向11个人抱怨", "tell-eleven"),
    ("004", "95%会重购", "recovery-retains"),
    ("004", "IBM 详细报告", "defection-reasons"),
)

SET_ASIDE = (
    ("000", "国美 2002年11月; 海尔; 沃爾瑪", "anecdotes of single firms without a figure to test"),
    ("001", "300 000 members of the Harley club", "the size of a club, told as an example of a bond"),
    ("001", "品质具有文化性", "an opinion about nations, not about customers"),
    ("002", "每销售100万件产品 … 万次的接触机会", "the number of contacts is missing in the text"),
    ("002", "乔丹店 存档5年, 约20页", "how one shop files its letters"),
    ("002", "人口增长 成长的极限", "a statement about population"),
    ("003", "蓝光集团 近八年", "how long one firm took"),
    ("003", "80岁 … 240岁; 1+1>2", "exhortations"),
    ("004", "9400万 8.0%; 19亿 75.9%", "the Chinese Internet of 2004, not customers kept or lost"),
    ("004", "11位买家 27万美元; 3位翻单; 3万美元", "one exporter's orders"),
)


def test_every_row_has_its_claim_and_the_claim_cites_the_text():
    for text, figure, claim_id in CENSUS:
        assert claim_id in CATALOGUE, (text, figure)
        assert text in {source.text for source in CATALOGUE[claim_id].sources}, (text, figure, claim_id)


def test_every_claim_comes_from_a_row():
    assert set(CATALOGUE) == {claim_id for _, _, claim_id in CENSUS}


def test_what_is_set_aside_says_why():
    assert all(reason for _, _, reason in SET_ASIDE)


def test_every_text_is_covered():
    assert {text for text, *_ in CENSUS} == {"000", "001", "002", "003", "004"}
    # 45 rows of the first reading, and what a second reading found.
    assert len(CATALOGUE) >= 49


def test_groups_hold_each_claim_once():
    ids = [claim.id for group in GROUPS.values() for claim in group]
    assert sorted(ids) == sorted(CATALOGUE)
    assert list(CATALOGUE) == ids
