"""S3 by other hands, for the interop tests: moto, which plays S3, and boto3, which signs.

moto takes any form. What S3 checks of one is checked before it, as
https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html says: the request has an
exact length; the policy and all its fields come before the file, which is the last part; the file's
length is within the policy's `content-length-range`.

Prints, as JSON, for an object of 1 to ARGV[1] bytes: where a form is sent to and its fields, in order,
and presigned URLs to get and to put the object.
"""
import base64
import io
import json
import sys
import threading

import boto3
from botocore.client import Config
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.sansio.multipart import Data, Epilogue, Field, File, MultipartDecoder
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.http import parse_options_header


def parts(body, boundary):
    """Name, whether it is a file, and content of each part, in order."""
    decoder = MultipartDecoder(boundary.encode())
    decoder.receive_data(body)
    decoder.receive_data(None)
    found = []
    while not isinstance(event := decoder.next_event(), Epilogue):
        if isinstance(event, Data):
            found[-1][2] += event.data
        elif isinstance(event, (Field, File)):
            found.append([event.name, isinstance(event, File), b""])
    return found


def complaint(environ, body):
    """S3's code for what is wrong with a form, or None."""
    _, options = parse_options_header(environ["CONTENT_TYPE"])
    form = parts(body, options["boundary"])
    if not form or form[-1][0] != "file" or not form[-1][1]:
        return "400 Bad Request", "InvalidArgument"
    fields = {name: content.decode() for name, _, content in form[:-1]}
    if fields != issued["fields"]:
        return "403 Forbidden", "AccessDenied"
    conditions = json.loads(base64.b64decode(fields["policy"]))["conditions"]
    _, least, most = next(c for c in conditions if isinstance(c, list) and c[0] == "content-length-range")
    length = len(form[-1][2])
    if length > most:
        return "400 Bad Request", "EntityTooLarge"
    if length < least:
        return "400 Bad Request", "EntityTooSmall"
    return None


def refusal_of_put(environ):
    """What S3 checks of a presigned PUT before it takes the body; S3's code, or None."""
    target = environ["RAW_URI"] if "RAW_URI" in environ else environ["REQUEST_URI"]
    if target != put_target:
        return "403 Forbidden", "SignatureDoesNotMatch"
    if "HTTP_AUTHORIZATION" in environ:
        return "400 Bad Request", "InvalidArgument"
    if "CONTENT_LENGTH" not in environ or "HTTP_TRANSFER_ENCODING" in environ:
        return "411 Length Required", "MissingContentLength"
    return None


def application(environ, start_response):
    if environ["REQUEST_METHOD"] == "PUT" and "X-Amz-Signature=" in environ["QUERY_STRING"]:
        if problem := refusal_of_put(environ):
            status, code = problem
            start_response(status, [("Content-Type", "application/xml"), ("Connection", "close")])
            return [f"<Error><Code>{code}</Code></Error>".encode()]
    if environ["REQUEST_METHOD"] == "POST" and environ.get("CONTENT_TYPE", "").startswith("multipart/form-data"):
        if "CONTENT_LENGTH" not in environ:
            start_response("411 Length Required", [("Content-Type", "application/xml")])
            return [b"<Error><Code>MissingContentLength</Code></Error>"]
        body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        if problem := complaint(environ, body):
            status, code = problem
            start_response(status, [("Content-Type", "application/xml")])
            return [f"<Error><Code>{code}</Code></Error>".encode()]
        environ["wsgi.input"] = io.BytesIO(body)
    return moto(environ, start_response)


class Handler(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_request(self, *arguments):
        pass


moto = DomainDispatcherApplication(create_backend_app)
server = make_server("127.0.0.1", 0, application, threaded=True, request_handler=Handler)

threading.Thread(target=server.serve_forever, daemon=True).start()
s3 = boto3.client(
    "s3",
    endpoint_url=f"http://127.0.0.1:{server.port}",
    region_name="us-east-1",
    aws_access_key_id="test",
    aws_secret_access_key="test",
    config=Config(signature_version="s3v4", s3={"addressing_style": "path"}),
)
s3.create_bucket(Bucket="uploads")
key = "größe/ä b.bin"
issued = s3.generate_presigned_post(
    "uploads",
    key,
    Fields={"success_action_status": "201", "x-amz-meta-origin": "http-streaming"},
    Conditions=[
        {"success_action_status": "201"},
        {"x-amz-meta-origin": "http-streaming"},
        ["content-length-range", 1, int(sys.argv[1])],
    ],
)
url = s3.generate_presigned_url("get_object", {"Bucket": "uploads", "Key": key})
put = s3.generate_presigned_url("put_object", {"Bucket": "uploads", "Key": key})
put_target = put[put.index("/", len("http://")):]
fields = [{"name": name, "value": value} for name, value in issued["fields"].items()]
print(json.dumps({"url": issued["url"], "fields": fields, "object": url, "put": put}), flush=True)
threading.Event().wait()
