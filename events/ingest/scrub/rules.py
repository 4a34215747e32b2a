"""Why a field was cleaned: one rule id, one plain sentence that the admin shows."""

FILTERED = "[Filtered]"
# What stands for a thing that is known by its shape: "[card] was declined".
MARKERS = frozenset(("pem", "email", "card", "ssn", "iban", "phone", "address", "user"))

RULES: dict[str, str] = {
    "forgotten": "The person asked to be forgotten; everything that could tell of them was erased",
    "password": "Password: never needed to understand a failure",
    "secret": "Secret or API key: whoever reads it can act in your name",
    "token": "Token or other credential: whoever reads it can act in your name",
    "cookie": "Cookie: whoever reads it can take over the session",
    "one_time_code": "One-time or security code",
    "card_number": "Payment card number",
    "iban": "Bank account number",
    "national_id": "Social security or other national number: names a person",
    "email": "E-mail address: names a person",
    "phone": "Phone number: names a person",
    "address": "Postal address: names a person",
    "person_name": "A person's name",
    "birth_date": "Date of birth: names a person",
    "ip_address": "IP address: kept as its network and a keyed hash, so that it can be counted and not traced",
    "user_id_hashed": "User id: kept as a keyed hash, so that users can be counted and not named",
    "user_folder": "Home folder in a path: names a person",
    "pem": "Key or certificate in PEM form",
    "url_userinfo": "User and password in a URL",
    "body_removed": "Raw request or response body over the limit: too much, and nobody knows what is in it",
}
