"""What the fuzzer cannot know from our documents: real names, keys and signatures, and what code 0 means.

FUZZ_FACTS  a JSON file of test/fuzz/main.ts with what really exists
FUZZ_CALLS  where every call is written down, one line of JSON each
"""

import hashlib
import itertools
import json
import os
import re
import threading
from copy import deepcopy

import schemathesis
from hypothesis import strategies as st
from jsonschema_rs import validator_for

with open(os.environ["FUZZ_FACTS"], encoding="utf-8") as file:
    FACTS = json.load(file)
CALLS = open(os.environ["FUZZ_CALLS"], "a", encoding="utf-8")
CALLS_LOCK = threading.Lock()
CLIENTS = itertools.count()

SIGNED = {
    "Authorization": ["player_id", "game_id", "token"],
    "Credit": ["player_id", "round_id", "game_id", "transaction_id", "token"],
    "Debit": ["player_id", "round_id", "game_id", "transaction_id", "token"],
}


# Fields of a callback for which there is something real to say.
REAL = ["player_id", "game_id", "token", "round_id", "transaction_id", "amount", "bet_amount", "is_close"]


def some_of(names):
    return st.lists(st.sampled_from(names), unique=True, max_size=len(names))


@schemathesis.hook
def before_generate_case(context, strategy):
    """Puts real values into a part of the cases, and something unknown to us beside the known parameters."""
    path = context.operation.path
    extra = st.dictionaries(st.text(min_size=1, max_size=8), st.text(max_size=8), max_size=2)
    if path.endswith(tuple(SIGNED)):
        return st.builds(provider_case, strategy, provider_plan())
    return st.builds(partner_case, strategy, partner_plan(), extra)


def provider_plan():
    return st.fixed_dictionaries(
        {
            "real": st.one_of(st.just(REAL), st.just(REAL), some_of(REAL), st.just([])),
            "session": st.sampled_from(FACTS["sessions"]),
            "round": st.integers(1, 40),
            "transaction": st.integers(1, 200),
            "amount": st.sampled_from([0, 1, 0.5, 2.5, "3.10", "1e0", 0.001, 10**16]),
            "connection": st.sampled_from([True, True, True, False]),
            "hash": st.sampled_from(["right", "forged", "right", "as it came"]),
        }
    )


def provider_case(case, plan):
    if plan["connection"]:
        case.path_parameters = {**(case.path_parameters or {}), "connection": FACTS["connection"]}
    if not isinstance(case.body, dict):
        return case
    body = deepcopy(case.body)
    session = plan["session"]
    real = {
        "player_id": session["player"],
        "game_id": session["game"],
        "token": session["token"],
        "round_id": plan["round"],
        "transaction_id": plan["transaction"],
        "amount": plan["amount"],
        "bet_amount": plan["amount"],
        "is_close": plan["round"] % 5 == 0,
    }
    for name in plan["real"]:
        # A field that the fuzzer left out stays out, but for a request that is to be whole.
        if name in known_fields(case) and (name in body or plan["real"] is REAL):
            body[name] = real[name]
    method = method_of(case)
    if plan["hash"] != "as it came":
        right = signature(method, body)
        body["hash"] = right if plan["hash"] == "right" else right[:-1] + ("0" if right[-1] != "0" else "1")
    case.body = body
    return case


def partner_plan():
    return st.fixed_dictionaries(
        {
            "real": some_of(["user_agent", "game_provider", "game_id", "bet_id", "redirect_url"]),
            "user_agent": st.sampled_from(FACTS["user_agents"]),
            "game": st.sampled_from(FACTS["games"]),
            "bet_id": st.sampled_from(FACTS["bet_ids"]),
            "prefix": st.sampled_from([True, True, True, False]),
        }
    )


def partner_case(case, plan, extra):
    """Unknown query parameters and headers must change nothing; without them some operations have one case only."""
    case.query = {**(case.query or {}), **extra}
    if plan["prefix"] and "x-api-prefix" in (case.headers or {}):
        case.headers["x-api-prefix"] = FACTS["prefix"]
    if isinstance(case.body, dict) and not is_negative(case):
        names = known_fields(case)
        real = {
            "user_agent": plan["user_agent"],
            "game_provider": plan["game"]["product"],
            "game_id": plan["game"]["game_id"],
            "bet_id": plan["bet_id"],
            "redirect_url": "https://casino.example.com/back",
        }
        for name in plan["real"]:
            # create-user takes the reference that has no prefix; any will do.
            if name in names and case.operation.path != "/create-user":
                case.body[name] = real[name]
    return case


def is_negative(case):
    return case.meta is not None and case.meta.generation.mode.value == "negative"


def method_of(case):
    return case.operation.path.rsplit("/", 1)[-1]


def request_schema(case):
    content = case.operation.definition.raw["requestBody"]["content"]
    return content.get(case.media_type, content["application/json"])["schema"]


def known_fields(case):
    return request_schema(case)["properties"]


def text_of(value):
    """A signed value as it stands in the body."""
    return value if isinstance(value, str) else json.dumps(value)


def signature(method, body):
    source = "".join(text_of(body.get(name, "")) for name in SIGNED[method])
    text = f"{method}/{source}{FACTS['connection_api_key']}"
    return hashlib.md5(text.encode("utf-8", "surrogatepass")).hexdigest()


@schemathesis.hook
def before_call(context, case, kwargs):
    """Each call comes from a client of its own, through a proxy the API trusts: one address that fails a hundred
    times in a row would be shut out, and everything behind that door left untried."""
    number = next(CLIENTS)
    address = f"127.{1 + number // 65536 % 250}.{number // 256 % 256}.{number % 256}"
    case.headers = {**(case.headers or {}), "X-Forwarded-For": address}


@schemathesis.hook
def after_call(context, case, response):
    """One line a call: the run is worth nothing when they all end at the door."""
    meta = case.meta
    line = {
        "operation": case.operation.label,
        "method": case.method,
        "phase": meta.phase.name.value if meta else None,
        "mode": meta.generation.mode.value if meta else None,
        "status": response.status_code,
        "code": code_of(response) if method_of(case) in SIGNED else None,
    }
    with CALLS_LOCK:
        CALLS.write(json.dumps(line) + "\n")
        CALLS.flush()


def code_of(response):
    try:
        return json.loads(response.content).get("code")
    except (ValueError, AttributeError):
        return None


@schemathesis.check
def code_0_is_earned(ctx, response, case):
    """A callback whose shape or signature is wrong moves nothing."""
    method = method_of(case)
    if method not in SIGNED or case.method != "POST" or code_of(response) != 0:
        return
    sent = json.loads(response.request.body)
    fault = next(validator_for(request_schema(case)).iter_errors(sent), None)
    if fault is not None:
        raise AssertionError(f"code 0 for a body that the document forbids: {fault.message}")
    if sent["hash"].lower() != signature(method, sent):
        raise AssertionError("code 0 for a wrong hash")


@schemathesis.check
def errors_say_why(ctx, response, case):
    """Contract texts of the partner API, and a message behind every code."""
    if case.operation.path.startswith("/health"):
        return
    body = json.loads(response.content)
    if method_of(case) in SIGNED:
        assert isinstance(body["message"], str) and body["message"] != ""
    elif response.status_code >= 400:
        assert isinstance(body["error"], str) and body["error"] != ""
        assert not re.search(r"\bat .*\.(js|ts):\d|SELECT |node_modules", body["error"]), "an error tells of our inside"
