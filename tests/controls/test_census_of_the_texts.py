"""Controls: no figure and no method of the five texts drops out of the catalogue unnoticed.

Each row is (text, the figure or method in the text's own words, the claim that judges it). What is no claim about
keeping customers stands in `SET_ASIDE` with the reason, so that leaving something out is a decision and not a slip.
"""

from __future__ import annotations

from churnsim.claims.catalogue import CATALOGUE, GROUPS
from churnsim.claims.machinery.sources import TEXTS

CENSUS = (
    # after-marketing management
    ("after-marketing", "NPV×(1-流失率)+潛在顧客", "customer-asset-equation"),
    ("after-marketing", "收入和利潤的大部分來自現有顧客", "existing-revenue"),
    ("after-marketing", "5~10倍", "acquisition-multiple"),
    ("after-marketing", "重新奪回一個顧客 … 5~10倍", "win-back-odds"),
    ("after-marketing", "維繫老顧客的成本 … 低得多", "cheaper-to-serve"),
    ("after-marketing", "低成本、低風險、高績效", "low-risk"),
    ("after-marketing", "20%的顧客 80%的收入和利潤", "eighty-twenty"),
    ("after-marketing", "最糟糕的20% 利潤減少50%", "worst-twenty"),
    ("after-marketing", "誰是最重要的顧客", "abc-management"),
    ("after-marketing", "90%的不滿意顧客不再購買", "dissatisfied-leave"),
    ("after-marketing", "及時補救 82%~95%", "recovery-retains"),
    ("after-marketing", "一般願意返回", "win-back-odds"),
    ("after-marketing", "七種策略", "six-strategies"),
    ("after-marketing", "收入和利潤持續增長的難題", "keeping-alone-grows"),
    ("after-marketing", "一個月內退貨,並拿回全部貨款", "returns-pay"),
    # lecture on keeping existing customers
    ("lecture", "-51 30 42 44 49 55 → 111.7", "card-npv"),
    ("lecture", "关系越长,价值就越大", "longer-is-worth-more"),
    ("lecture", "75% 80% … 8.5 14 … 5.67 9.2", "retention-table"),
    ("lecture", "5倍", "acquisition-multiple"),
    ("lecture", "降低5% 增加25%~85%", "five-percent-churn"),
    ("lecture", "60%的新顾客", "referral-share"),
    ("lecture", "蒸发 转换 市场份额", "customer-flow"),
    ("lecture", "关系阶梯", "relationship-ladder"),
    ("lecture", "质量→满意→忠诚→份额", "path-model"),
    ("lecture", "SERVQUAL 22 项, 五差距", "servqual"),
    ("lecture", "1 500 / 630 = 2.5; 800 / 250 = 3.2", "very-satisfied"),
    ("lecture", "100: 4% 25% 96% 95% → 92%", "complaint-tree"),
    ("lecture", "4%抱怨", "complaint-visibility"),
    ("lecture", "95%流失", "dissatisfied-leave"),
    ("lecture", "Oliver 1980; 公平模型", "disconfirmation"),
    ("lecture", "ACSI", "acsi"),
    ("lecture", "基本要素 绩效要素 激励要素", "kano"),
    ("lecture", "重要性、绩效矩阵", "importance-performance"),
    ("lecture", "施乐 1987; PIMS", "satisfaction-share"),
    ("lecture", "V = Σαu / Σβc", "customer-value-ratio"),
    ("lecture", "经济 社交 结构绑定; 哈雷 30万会员", "bonds"),
    ("lecture", "产品品质 与 服务品质。后者更重要", "service-over-product"),
    ("lecture", "标竿 … 找出本企业与竞争企业的差距", "benchmark-gaps"),
    ("lecture", "很好地解决抱怨,顾客反而忠诚", "recovery-paradox"),
    ("lecture", "哈雷俱乐部", "club"),
    # marketing innovation of small firms
    ("small-firms", "20%35%的利润; 20%85%的利润", "repeat-premium"),
    ("small-firms", "每增长5, 利润则增加25", "regular-customers"),
    ("small-firms", "减少5% 25%85%", "five-percent-churn"),
    ("small-firms", "银行 2倍, 5%以下, 1/2", "loyal-bank"),
    ("small-firms", "80的销售业绩来自于20", "eighty-twenty"),
    ("small-firms", "20%40%的银行新客户", "referral-share"),
    ("small-firms", "交叉销售 加倍的业绩", "cross-selling"),
    ("small-firms", "6倍", "acquisition-multiple"),
    ("small-firms", "成交机会 50", "second-sale"),
    ("small-firms", "710倍; 3500 / 275 → 13", "best-customer"),
    ("small-firms", "降低营销成本", "cheaper-to-serve"),
    ("small-firms", "RFM、回归、因子、聚类", "gold-customers"),
    ("small-firms", "“市场占有率” … “顾客占有率”", "share-of-customer"),
    ("small-firms", "壹对壹营销、定制营销", "precision"),
    ("small-firms", "奖励顾客忠诚", "loyalty-rewards"),
    ("small-firms", "免费试用 … 退款保证", "returns-pay"),
    # nine steps
    ("nine-steps", "九步法", "nine-steps"),
    ("nine-steps", "内部忠诚", "internal-loyalty"),
    ("nine-steps", "80/20", "eighty-twenty"),
    ("nine-steps", "千万不要平均分配; ABC", "abc-management"),
    ("nine-steps", "俱乐部营销", "club"),
    ("nine-steps", "精准营销", "precision"),
    ("nine-steps", "数据库营销 六大过程", "database-loop"),
    ("nine-steps", "1:9", "complaint-visibility"),
    ("nine-steps", "二分之一", "win-back-odds"),
    # winning lost customers back
    ("win-back", "10%~30%", "annual-churn"),
    ("win-back", "5% 新, 40% 老", "win-back-odds"),
    ("win-back", "100个满意 25个新", "referral-share"),
    ("win-back", "一个投诉 20名", "complaint-visibility"),
    ("win-back", "6~10倍", "acquisition-multiple"),
    ("win-back", "提高2成 40%", "service-level"),
    ("win-back", "放弃“无效”顾客", "dismiss-unprofitable"),
    ("win-back", "首先应该想到改变他们", "change-first"),
    ("win-back", "“终身价值” 确定挽回哪些顾客", "win-back-selection"),
    ("win-back", "售后服务成本 … 较低", "cheaper-to-serve"),
    ("win-back", "向11个人抱怨", "tell-eleven"),
    ("win-back", "95%会重购", "recovery-retains"),
    ("win-back", "IBM 详细报告", "defection-reasons"),
    ("win-back", "不知道失去的是哪些顾客,什么时候失去", "unseen-loss"),
    ("win-back", "推出新产品时,老顾客会首先尝试", "first-to-try"),
    ("win-back", "质量 … 唯一途径", "product-only-way"),
)

SET_ASIDE = (
    ("after-marketing", "国美 2002年11月; 海尔; 沃爾瑪", "anecdotes of single firms without a figure to test"),
    (
        "after-marketing",
        "價格戰 服務戰",
        "no figure, and no data at hand show a rival's answer to a price",
    ),
    ("after-marketing", "complaints and praise treated alike", "how to file letters, without an effect that is stated"),
    ("nine-steps", "洗地瓜机", "that complaints show where needs move: one firm's product, without a figure"),
    ("nine-steps", "避开竞争对手的注意力", "that databases hide a campaign from rivals: nothing that is measured"),
    ("lecture", "300 000 members of the Harley club", "the size of a club, told as an example of a bond"),
    ("lecture", "品质具有文化性", "an opinion about nations, not about customers"),
    ("small-firms", "每销售100万件产品 … 万次的接触机会", "the number of contacts is missing in the text"),
    ("small-firms", "乔丹店 存档5年, 约20页", "how one shop files its letters"),
    ("small-firms", "人口增长 成长的极限", "a statement about population"),
    ("nine-steps", "蓝光集团 近八年", "how long one firm took"),
    ("nine-steps", "80岁 … 240岁; 1+1>2", "exhortations"),
    ("win-back", "9400万 8.0%; 19亿 75.9%", "the Chinese Internet of 2004, not customers kept or lost"),
    ("win-back", "11位买家 27万美元; 3位翻单; 3万美元", "one exporter's orders"),
)


def test_every_row_has_its_claim_and_the_claim_cites_the_text():
    for text, figure, claim_id in CENSUS:
        assert claim_id in CATALOGUE, (text, figure)
        assert TEXTS[text].cited in {source.text for source in CATALOGUE[claim_id].sources}, (text, figure, claim_id)


def test_every_claim_comes_from_a_row():
    differ = set(CATALOGUE) ^ {claim_id for _, _, claim_id in CENSUS}
    assert not differ, f"a row in CENSUS, above, or a [[claim]] in claims/statements.toml is missing for {differ}"


def test_what_is_set_aside_says_why():
    assert all(reason for _, _, reason in SET_ASIDE)


def test_every_text_is_covered():
    assert {text for text, *_ in CENSUS} == set(TEXTS)
    # 45 rows of the first reading, and what a second and a third reading found.
    assert len(CATALOGUE) >= 60


def test_groups_hold_each_claim_once():
    ids = [claim.id for group in GROUPS.values() for claim in group]
    assert sorted(ids) == sorted(CATALOGUE)
    assert list(CATALOGUE) == ids
