"""Every wording of the page, English and Chinese side by side, so that neither is forgotten. ``{}`` takes a value."""

LANGUAGES = ("en", "zh")

SIGNS = {"worth it": "▲", "not worth it here": "□", "harmful": "▼", "inconclusive": "○"}
"""Of each verdict: the figure draws the same shapes, so that no verdict is told by colour alone."""

WORDS: dict[str, tuple[str, str]] = {
    # What numbers are called.
    "labels": ("{n} labels", "{n} 条标注"),
    "more": ("more than {n}", "超过 {n}"),
    "fewer": ("fewer than {n}", "不到 {n}"),
    "plain": ("plain", "只用标注"),
    "worth it": ("worth it", "值得"),
    "not worth it here": ("not worth it here", "在此不值得"),
    "harmful": ("harmful", "有害"),
    "inconclusive": ("inconclusive", "尚无定论"),
    "early": ("stopped early", "提前停止"),
    "none": ("Not measured in this run.", "这次没有测量。"),
    "comma": (", ", "、"),
    "semicolon": ("; ", "；"),
    # The head.
    "title": ("What data techniques are worth, in labels", "数据技术值多少条标注"),
    "eyebrow": ("Satiety · {problem} · {metric}", "Satiety · {problem} · {metric}"),
    "lead": ("Next: {sentence}", "下一步：{sentence}"),
    "trust": (
        "{test} test examples · {chains} random orders of the labels · {level} intervals · known answers: {answers}",
        "{test} 条测试样例 · 标注的 {chains} 种随机顺序 · {level} 区间 · 已知答案：{answers}",
    ),
    "all held": ("✓ all {n} read right", "✓ {n} 项全部读对"),
    "some held": ("✗ {held} of {n} read right", "✗ {n} 项中读对 {held} 项"),
    "no answers": ("not tried", "未检验"),
    "contents": ("On this page", "本页内容"),
    "to curve": ("Curve", "曲线"),
    "to levers": ("Levers", "杠杆"),
    "to credit": ("Credit", "功劳"),
    "to forecast": ("Forecast", "预测"),
    "to next": ("Next step", "下一步"),
    "to answers": ("Known answers", "已知答案"),
    "to agreement": ("Quick against full", "快测与全测"),
    "to measured": ("Method", "方法"),
    # The figure.
    "curve": ("What a label buys, and what each lever adds", "一条标注换来什么，每个杠杆又添了什么"),
    "at": ("at {budget} = {worth}", "{budget} 条时 = {worth}"),
    "x": ("labels spent, log scale", "花掉的标注数，对数刻度"),
    "plain curve": ("plain: labels alone", "只用标注"),
    "fitted": ("fitted", "拟合"),
    "beyond": ("beyond {n}: not measured", "{n} 以上：未测量"),
    "limit": ("limit of the fit {value} {interval}", "拟合的极限 {value} {interval}"),
    "figure title": ("Learning curve of {metric} over labels", "{metric} 随标注数变化的学习曲线"),
    "figure says": (
        "With labels alone, {metric} goes from {first} at {least} to {last} at {most}. {fit}{arrows}.",
        "只用标注时，{metric} 从 {least} 的 {first} 到 {most} 的 {last}。{fit}{arrows}。",
    ),
    "figure fit": (
        "The fitted curve tends to {value} {interval}. ",
        "拟合曲线趋向 {value} {interval}。",
    ),
    "read curve": (
        "Line and band: {metric} of labels alone and its {level} interval, for labels drawn anew.",
        "实线与色带：只用标注时的 {metric} 及其 {level} 区间，适用于重新抽取的标注。",
    ),
    "read fit": (
        " Dashed: a power law fitted to it; beyond {n} labels nothing was measured.",
        "虚线：拟合的幂律；{n} 条以上没有测量。",
    ),
    "read arrows": (
        "An arrow starts at a lever's score and runs level to where labels alone score as much; its pale bar is the "
        "interval of that point, its upright line the interval of the gain over labels alone at the same budget.",
        "箭头从杠杆的得分出发，水平指向只用标注得到同样分数的位置；浅色横条是该位置的区间，竖线是同一预算下相对只用标注的增益的区间。",
    ),
    "read choice": (
        "Drawn: the best lever set at each budget, and every lever by itself at {budget}.",
        "图中画出：每个预算下最好的杠杆组合，以及 {budget}时的每个单独杠杆。",
    ),
    "read left": (
        " {left} of them found no room for arrow and name; the table has all.",
        "其中 {left} 项因位置不够没有画出，表中都有。",
    ),
    # Levers.
    "levers": ("Levers, budget by budget", "各预算下的杠杆"),
    "levers lead": (
        "Gain: {metric} above labels alone at the same budget, in the same draws of labels: whether a lever helps. "
        "Worth: how many labels alone score as much. The intervals are for labels drawn anew, and they hold for all "
        "lever sets and budgets at once, so the best may be picked by them.",
        "增益：同一预算、同样的标注抽样下，{metric} 比只用标注高多少；杠杆是否有用由它说明。"
        "价值：只用标注时，多少条能得到同样的分数。区间适用于重新抽取的标注，并对所有组合与预算同时成立，因此可以据此挑选最好的。",
    ),
    "at budget": ("At {budget}", "{budget}时"),
    "summary": (
        "plain scores {plain}; best: {lever} = {worth}",
        "只用标注得 {plain}；最好的是 {lever} = {worth}",
    ),
    "lever": ("Lever", "杠杆"),
    "worth": ("Worth in labels", "值多少条标注"),
    "gain": ("Gain", "增益"),
    "score": ("Score", "得分"),
    "verdict": ("Verdict", "结论"),
    "advantage": ("On average over all budgets", "所有预算的平均"),
    "advantage caption": ("Labels a lever saves, on average over the curve", "一个杠杆平均省下多少条标注"),
    "saves": ("Labels saved", "省下的标注"),
    # Credit.
    "credit": ("Who earned it", "功劳归谁"),
    "credit lead": (
        "What all levers gain together, shared out fairly; an interaction is what two gain beyond the sum of each, "
        "below zero where they do the same work.",
        "所有杠杆合起来的增益，公平分给每一个；交互是两个杠杆合用比各自之和多出的部分，小于零说明它们做的是同一件事。",
    ),
    "credit summary": ("together {gain}", "合计 {gain}"),
    "together": ("all together", "合计"),
    "part": ("Part", "部分"),
    "added": ("In labels", "折合标注"),
    "capped": (
        "Some worth here lies, or may lie, beyond the budgets measured: labels are missing, or cut off there.",
        "这里有的价值超出或可能超出测过的预算范围：标注数因此缺失，或在边界截断。",
    ),
    # Forecast.
    "forecast": ("How many labels a target takes", "达到目标要多少标注"),
    "forecast caption": (
        "Labels alone, by the fitted curve, which tends to {limit}",
        "只用标注，按拟合曲线推算；曲线趋向 {limit}",
    ),
    "forecast open": (
        "Labels alone, by the fitted curve; the budgets measured cannot tell where it ends",
        "只用标注，按拟合曲线推算；从测过的预算还看不出曲线的极限",
    ),
    "forecast none": ("Labels alone", "只用标注"),
    "target": ("Target {metric}", "目标 {metric}"),
    "needed": ("Labels needed", "需要的标注"),
    "unreachable": ("not reachable with this model", "用这个模型达不到"),
    # The next step.
    "next": ("The next step", "下一步"),
    "evidence": ("Why", "依据"),
    "texts refused": ("{n} texts refused: they give test texts away", "拒收 {n} 条泄露测试文本的文本"),
    "front caption": (
        "What no other choice beats in both score and hours; beyond the labels there are, scores are forecasts",
        "得分与时间上都没有其他选择胜过的方案；超出现有标注数的得分是预测值",
    ),
    "spend": ("Labels", "标注"),
    "use": ("Levers", "杠杆"),
    "hours": ("Hours", "小时"),
    "chosen": ("Chosen", "选中"),
    "is chosen": ("✓ chosen", "✓ 选中"),
    # Known answers.
    "answers": ("How the meter reads known answers", "对已知答案，仪表读数如何"),
    "answers lead": (
        "Before it is believed, the meter measures levers whose worth is known.",
        "在相信它之前，先让仪表去量价值已知的杠杆。",
    ),
    "answers caption": ("Known answers and what was read", "已知答案与读数"),
    "trial": ("Trial", "检验"),
    "truth": ("Must read", "应读"),
    "read": ("Reads", "读数"),
    "held": ("Result", "结果"),
    "pass": ("✓ right", "✓ 正确"),
    "fail": ("✗ wrong", "✗ 错误"),
    "oracle": ("oracle: reveals {k} more gold labels at {budget}", "先知：{budget}时再给出 {k} 条真实标注"),
    "copy": ("copy: repeats what is there, at {budget}", "复制：重复已有的样例，{budget}时"),
    "poison": ("poison: flips labels, at {budget}", "投毒：翻转标签，{budget}时"),
    "leak": ("leak: test texts planted among the labels", "泄漏：把测试文本混进标注"),
    "below": ("below {n}", "低于 {n}"),
    "must refuse": ("refused", "被拒绝"),
    "refused": ("{n} refused", "拒绝 {n} 条"),
    "inflation": (
        "The planted texts, had they been let in, would have made the score {score}: a false gain of {gain}.",
        "混入的文本若放进来，得分会是 {score}，虚增 {gain}。",
    ),
    # Agreement.
    "agreement": ("Quick against full", "快测与全测"),
    "no agreement": (
        "Nothing to compare: there is no measurement at both depths. Set worth.fine_tuned.replicates to learn how "
        "often quick "
        "verdicts stand.",
        "无从比较：没有两种深度的测量。设置 worth.fine_tuned.replicates，就知道快测的结论有多少站得住。",
    ),
    "none clear": (
        "Both depths were measured, but no gain was clear under full training: raise worth.fine_tuned.replicates to "
        "tell.",
        "两种深度都测了，但全测中没有一个增益是明确的：调高 worth.fine_tuned.replicates 才能分辨。",
    ),
    "agree": (
        "Of the {cells} gains that are clear under full training, quick sees {agree} the same way: share {share}.",
        "全测中明确的 {cells} 个增益里，快测有 {agree} 个方向相同：占 {share}。",
    ),
    "disagree caption": ("Where they differ", "不同之处"),
    "no disagreement": ("They differ nowhere.", "没有不同。"),
    "budget": ("Budget", "预算"),
    "quick": ("Quick gain", "快测的增益"),
    "full": ("Full gain", "全测的增益"),
    # How it was measured.
    "measured": ("How it was measured", "如何测得"),
    "chains": ("Random orders of the labels", "标注的随机顺序"),
    "chains say": (
        "{levers} for levers, {curve} others for the curve, which no lever saw; the subsets of an order are nested",
        "{levers} 种用于杠杆，另外 {curve} 种用于曲线，杠杆从未见过；同一顺序的子集层层嵌套",
    ),
    "labels pool": ("Labels", "标注"),
    "labels say": ("{n}, development labels included; budgets {budgets}", "{n} 条，含开发标注；预算 {budgets}"),
    "intervals": ("Intervals", "区间"),
    "intervals say": (
        "{level}, for labels drawn anew: {resamples} resamples of test examples (whole groups of near-duplicates) and "
        "of orders, and what the luck of these {n} labels may have done, told from halves of them that share none",
        "{level}，适用于重新抽取的标注：测试样例（近似重复的成组）与顺序重抽 {resamples} 次，"
        "并由这 {n} 条标注中互不重叠的两半估计、计入恰好抽到它们的运气",
    ),
    "test": ("Test examples", "测试样例"),
    "test say": (
        "{n}, the same for every score; languages: {languages}",
        "{n} 条，每个得分都用同样的；语言：{languages}",
    ),
    "depth": ("Depth", "深度"),
    "saved": ("Compute saved", "省下的计算"),
    "saved say": (
        "{cells} of {of} cells, by stopping when a verdict was clear (error {error}){stopped}",
        "{of} 格中省下 {cells} 格：结论一旦明确就停止（错误率 {error}）{stopped}",
    ),
    "stopped one": ("{lever} after {after} orders", "{lever} 在 {after} 种顺序之后"),
    "stopped": (": {list}", "：{list}"),
    "backtest": ("Forecasts of what was then measured", "事后核对的预测"),
    "backtest say": (
        "{covered} of {forecasts} intervals held the score",
        "{forecasts} 个区间中有 {covered} 个包含实测得分",
    ),
    "exponent": ("Exponent of the fit", "拟合的指数"),
    "methods": ("What plain is: recipes without levers", "“只用标注”是什么：不用杠杆的做法"),
    "methods caption": (
        "Each recipe against plain, which takes the one its development labels choose",
        "各做法与“只用标注”相比；后者采用开发标注选出的那一种",
    ),
    "method": ("Recipe", "做法"),
    "difference": ("Against plain", "与只用标注相比"),
    "share chosen": ("Share of orders choosing it", "选中它的顺序占比"),
    "footer": (
        "Made by Satiety from reports/worth.json. This page runs no script and loads nothing.",
        "由 Satiety 根据 reports/worth.json 生成。本页不运行脚本，也不加载任何东西。",
    ),
}
