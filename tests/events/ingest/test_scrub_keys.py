"""Which field names say that their value must not be kept, and which only sound like it."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.ingest.scrub import RULES, rule_of_key

TELLING = {
    "password": (
        "password passwd pwd Password PASSWORD user_password userPassword new-password password_confirmation "
        "passwordConfirm currentPassword db.password DB_PASSWORD password2 passphrase passcode pass db_pass user_pw "
        "mypassword dbpassword user[password] password_hash pgpassword spring.datasource.password smtpPass wifi_pwd"
    ),
    "secret": (
        "secret SECRET client_secret clientSecret apiKey api_key api-key API_KEY APIKey x-api-key X-Api-Key apikey "
        "OPENAI_API_KEY openaiApiKey stripe_api_key secret_key SECRET_KEY secretAccessKey aws_secret_access_key "
        "aws_access_key_id private_key privateKey private_key_pem signing_key encryptionKey ssh_key myapikey "
        "clientsecret secrets webhook_secret api_keys apiKeys nextauth_secret"
    ),
    "token": (
        "token tokens access_token accessToken refresh_token refreshToken id_token idToken auth_token csrf_token "
        "csrfToken csrfmiddlewaretoken xsrf-token X-CSRF-Token jwt JWT bearer authorization Authorization "
        "Proxy-Authorization credentials aws_credentials session_token bearer_token accesstoken pushtoken auth "
        "basic_auth x-auth-token auth_header signature X-Hub-Signature-256 PHPSESSID connect.sid JSESSIONID token1 "
        "auth_code token_value tokenValue authorization_header auth_header_value"
    ),
    "cookie": "cookie cookies Cookie Set-Cookie set_cookie session_cookie sessionCookie cookie_header cookieHeader cookies_list",
    "one_time_code": (
        "otp totp otp_code cvv cvc CVV2 cvc2 card_cvc pin mfa_code verification_code security_code two_factor_code "
        "otpCode 2fa_code smsCode backup_code"
    ),
    "card_number": (
        "card_number cardNumber CardNumber card-number card_no creditCard credit_card credit_card_number ccNumber "
        "creditcardnumber pan debit_card"
    ),
    "iban": "iban IBAN customer_iban account_number bankAccountNumber routing_number sort_code",
    "national_id": "ssn SSN user_ssn social_security_number national_id nationalId tax_id passport_number",
    "phone": (
        "phone Phone phone_number phoneNumber mobile mobile_number mobilePhone telephone tel msisdn home_phone fax "
        "cellphone contact_phone"
    ),
    "address": (
        "address street street_address streetAddress home_address billingAddress shipping_address addressLine1 "
        "address_line_2 postcode postal_code zip zip_code zipCode addresses address2"
    ),
    "person_name": "first_name firstName lastName last-name full_name fullname surname given_name family_name cardholderName",
    "birth_date": "dob birthdate birth_date birthDate date_of_birth dateOfBirth birthday user_dob",
    "ip_address": (
        "ip IP client_ip clientIp ip_address ipAddress remote_addr REMOTE_ADDR remoteAddress X-Forwarded-For "
        "x-real-ip HTTP_X_FORWARDED_FOR ips forwarded cf-connecting-ip"
    ),
    "user_id_hashed": "user_id userId userID USER_ID uid customer_id customerId student_id distinct_id enduser.id user.id",
    "body_removed": "body payload raw request_body requestBody responseBody response_body raw_body req.body post_data formData",
}
INNOCENT = (
    # They sound like the words above.
    "author authors authored_by authority authorize_url tokenize_ms tokenizer secretary compass passenger monkey keyboard "
    "passive bypass passed passing pass_rate pass_count surpassed encompass spinner pinned pinterest pandas panel "
    "japan company span span_id expand cookiecutter shipping ship skip tips clip_id zipper zip_file telemetry hotel "
    "immobile automobile street_view_enabled keyword keystroke bodybuilder everybody embodied rawness draw "
    # They speak about the thing and do not hold it.
    "token_count tokens_used max_tokens prompt_tokens completion_tokens total_tokens token_type token_limit token_expiry "
    "password_length password_strength password_changed_at has_password is_password_set password_reset_required "
    "cookie_consent cookie_banner cookie_policy cookies_enabled address_count memory_address mac_address wallet_address "
    "email_address email_sent auth_provider auth_method authenticated authentication auth_failure auth_failed auth_status "
    "auth_error auth_attempts phone_model phone_verified phone_type mobile_app mobile_version is_mobile card_brand card_type "
    "card_last4 credit_card_type secret_count api_key_count apiKeyPresent ip_version ip_count body_size body_length "
    "request_body_size payload_size payload_bytes signature_valid otp_attempts street_count birthday_count "
    # They are what a log is for.
    "session_id sessionId request_id trace_id event_id error_code status_code code zone key cache_key primary_key keys "
    "public_key foreign_key name username display_name filename hostname event_name feature_name provider_name region "
    "country city state url path endpoint duration_ms retry_count timestamp user_agent userAgent message reason stack "
    "feature ai_provider fallback_used key_index sort_key partition_key idempotency_key object_key key_press "
    "users user_count user_agent_id account_id order_id product_id plan fingerprint expected actual attempts"
)
_innocent = sorted(set(INNOCENT.split()))


def test_the_tables_are_big_enough_to_mean_something() -> None:
    assert sum(len(set(names.split())) for names in TELLING.values()) >= 60
    assert len(_innocent) >= 60


@pytest.mark.parametrize(
    ("key", "rule"), [(key, rule) for rule, names in TELLING.items() for key in dict.fromkeys(names.split())]
)
def test_it_knows_what_a_telling_name_holds(key: str, rule: str) -> None:
    assert rule_of_key(key) == rule


@pytest.mark.parametrize("key", _innocent)
def test_it_leaves_an_innocent_name_alone(key: str) -> None:
    assert rule_of_key(key) is None


@pytest.mark.parametrize("key", ["", " ", "_", "---", "12", "\x00", "\ud800", "é", "密码"])
def test_a_name_without_words_says_nothing(key: str) -> None:
    assert rule_of_key(key) is None


@given(st.text(st.characters(codec=None), max_size=300))
def test_every_name_has_a_known_rule_or_none(key: str) -> None:
    assert rule_of_key(key) in {None, *RULES}


@pytest.mark.parametrize("separator", ["_", "-", ".", " ", "/", "__", ""])
@pytest.mark.parametrize("case", [str.lower, str.upper, str.title])
def test_the_way_of_writing_a_name_makes_no_difference(separator: str, case: Callable[[str], str]) -> None:
    key = case(f"api{separator}key")

    assert rule_of_key(key) == "secret"


def test_a_name_of_any_length_is_read_by_its_beginning() -> None:
    assert rule_of_key("api_key" + "_" * 100_000) == "secret"
    assert rule_of_key("x" * 100_000) is None
