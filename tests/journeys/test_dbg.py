from tests.journeys.test_card import digits
def test_x(digits, person):
    import json
    print(json.dumps(digits.proposals, indent=1)[:3500])
    from registry import prefill
    c,s = prefill.card(digits)
    print(c["metrics"], s)
    from registry.forms import DocumentForm
    f=DocumentForm("card", c)
    print(str(f["metrics.results"])[:1500])
