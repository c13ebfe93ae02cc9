"""What a firm can do and how the market answers, one mechanism a module.

Examples
--------
>>> from churnsim import simulation as s
>>> strategy = s.Strategy(
...     name="all of it", win_back=s.WinBack(silent_for=26.0, cost_per_contact=1.0, most_per_period=25),
...     acquisition=s.Acquisition(budget_per_period=100.0), referral=s.ReferralReward(reward=5.0),
...     retention=s.RetentionContacts(budget_per_period=50.0), quality=s.ServiceQuality(budget_per_period=10.0),
...     cross_selling=s.CrossSelling(budget_per_period=20.0), staff=s.StaffCare(budget_per_period=5.0),
...     desk=s.ComplaintDesk(staff=2, mean_service_time=0.1, wage_per_period=500.0),
...     asking=s.AskForComplaints(cost_per_purchase=0.05), compensation=s.Compensation(cost_per_complaint=3.0),
...     empowered=s.EmpoweredStaff(share_at_once=0.5, cost_per_period=40.0),
...     dismissal=s.DismissUnprofitable(periods=2), economic_bond=s.EconomicBond(price_off=0.05),
...     social_bond=s.SocialBond(joins=0.3, cost_per_member=1.0),
...     structural_bond=s.StructuralBond(cost_per_customer=0.5), churn=s.ChurnChange(),
... )
>>> strategy.social_bond
SocialBond(joins=0.3, cost_per_member=1.0)
>>> s.RenewalOffers(notice=1.0, discount=0.1).rule
'all'
>>> answers = [s.BondResponse(), s.Competitors(), s.Complaints(), s.CrossSellingResponse(), s.OwnSeries()]
>>> answers += [s.QualityResponse(), s.RecoveryResponse(), s.Referral(), s.RenewalOfferResponse(), s.Satisfaction()]
>>> answers += [s.RetentionResponse(), s.StaffResponse(), s.Terms(), s.WinBackResponse(), s.WordOfMouth()]
>>> answers += [s.Prospects(channels={"search": s.AcquisitionChannel(ceiling=0.001)})]
>>> len(answers)
16
"""
