"""Judges of drafts to requests that offer tools. Pure, like the rest of `quality`.

request ──▶ Question (what is asked)  Offer (what each tool is about)
draft ────▶ Calls ──▶ signals (a call was made) or no_call ──▶ combine ──▶ p_good
"""
