"""The gate: every query to every model, decided, journalled, and only then answered.

A process of its own (`python -m governance.gate`), outside the portal's request stack:

    request    what is asked, strictly parsed, or the reason why it is not even looked at
    grants     the facts about that query, one statement, one round trip
    decide     facts → answer; pure
    journal    the answer is stored, together with all that wait at the same moment
    app        ... and only then leaves
    proxy      an allowed query goes on to the model server
"""
