"""Two tenants with members, for tests of the walls between them."""

from __future__ import annotations

from typing import Any

from cryptography.fernet import Fernet

from core.scopes import Role
from tests.integration.api.client import PRINTED, Client
from tests.integration.api.people import SECRET, token_of

Headers = dict[str, str]

MINE, THEIRS = "mine", "theirs"
ADDRESS = "http://127.0.0.1:9"
SETTINGS: dict[str, Any] = {
    "internal_secret": SECRET,
    "admin_usernames": "root",
    "requests_per_minute": 0,
    "secret_keys": Fernet.generate_key().decode(),
}


def made_app(client: Client, owner: Headers, name: str) -> str:
    """An app of this name, made and owned by a user."""
    result = client.simulate_post("/api/apps", headers=owner, json={"name": name, "callback_base_url": ADDRESS})
    assert result.status_code == 201, result.text
    return name


def joined(client: Client, owner: Headers, app: str, username: str, role: Role) -> Headers:
    """A new user whom an owner makes a member of an app; the header that says who they are."""
    headers = token_of(client, username)
    result = client.simulate_put(f"/api/apps/{app}/members/{username}", headers=owner, json={"role": role.value})
    assert result.status_code == 201, result.text
    return headers


def made_job(client: Client, who: Headers, app: str, **changes: Any) -> str:
    """The id of a new job of an app."""
    job = {**PRINTED, "app_name": app, "schedule": {"type": "cron", "expression": "* * * * *"}, **changes}
    result = client.simulate_post("/api/jobs/create", headers=who, json=job)
    assert result.status_code == 201, result.text
    return str(result.json["id"])


def made_key(client: Client, owner: Headers, app: str, *scopes: str, **more: Any) -> Headers:
    """A new key of an app; the header that shows it."""
    wanted = {"name": "a key", "scopes": list(scopes), **more}
    result = client.simulate_post(f"/api/apps/{app}/keys", headers=owner, json=wanted)
    assert result.status_code == 201, result.text
    return {"Authorization": f"Bearer {result.json['key']}"}
