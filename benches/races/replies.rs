//! Reply heads as servers send them, variants of them, and chunked content.

use badgateway::Framing;

/// `~` stands for any letter or digit, `#` for a digit from 1, `^` for a letter of Latin-1 beyond ASCII; lines end in
/// CRLF on the wire.
#[derive(Clone)]
pub struct Reply {
    pub name: &'static str,
    template: String,
}

/// From the shortest to the longest.
const PLAIN: [(&str, &str); 18] = [
    ("204", "HTTP/1.1 204 No Content\nDate: Tue, ## Nov 2026 ##:##:## GMT\n"),
    (
        "go-json",
        "HTTP/1.1 200 OK\nContent-Type: application/json\nDate: Tue, ## Nov 2026 ##:##:## GMT\nContent-Length: ####\n",
    ),
    (
        "nginx-502",
        "HTTP/1.1 502 Bad Gateway\nServer: nginx/1.2#.#\nDate: Tue, ## Nov 2026 ##:##:## GMT\n\
         Content-Type: text/html\nContent-Length: ###\nConnection: keep-alive\n",
    ),
    (
        "websocket-refused",
        "HTTP/1.1 400 Bad Request\nDate: Tue, ## Nov 2026 ##:##:## GMT\nContent-Type: text/plain; charset=utf-8\n\
         Sec-WebSocket-Version: 13\nX-Content-Type-Options: nosniff\nContent-Length: ##\n",
    ),
    (
        "redirect-301",
        "HTTP/1.1 301 Moved Permanently\nServer: nginx\nDate: Tue, ## Nov 2026 ##:##:## GMT\n\
         Content-Type: text/html\nContent-Length: ###\nConnection: keep-alive\n\
         Location: https://www.a.example/~~~~~~~~/~~~~~~~~~~~~\n",
    ),
    (
        "not-modified-304",
        "HTTP/1.1 304 Not Modified\nDate: Tue, ## Nov 2026 ##:##:## GMT\nConnection: keep-alive\n\
         Last-Modified: Mon, ## Oct 2026 ##:##:## GMT\nETag: \"~~~~~~~~-~~~~\"\nCache-Control: max-age=#####\n\
         Vary: Accept-Encoding\n",
    ),
    (
        "nginx-file",
        "HTTP/1.1 200 OK\nServer: nginx/1.2#.#\nDate: Tue, ## Nov 2026 ##:##:## GMT\nContent-Type: text/html\n\
         Content-Length: #####\nLast-Modified: Mon, ## Oct 2026 ##:##:## GMT\nConnection: keep-alive\n\
         ETag: \"~~~~~~~~-~~~~\"\nAccept-Ranges: bytes\n",
    ),
    (
        "iis-aspnet",
        "HTTP/1.1 200 OK\nCache-Control: private\nContent-Type: text/html; charset=utf-8\n\
         Server: Microsoft-IIS/10.0\nX-AspNetMvc-Version: 5.2\nX-AspNet-Version: 4.0.30319\n\
         Set-Cookie: ASP.NET_SessionId=~~~~~~~~~~~~~~~~~~~~~~~~; path=/; HttpOnly; SameSite=Lax\n\
         X-Powered-By: ASP.NET\nDate: Tue, ## Nov 2026 ##:##:## GMT\nContent-Length: #####\n",
    ),
    (
        "video-206",
        "HTTP/1.1 206 Partial Content\nServer: Apache/2.4.## (Unix)\nDate: Tue, ## Nov 2026 ##:##:## GMT\n\
         Content-Type: video/mp4\nContent-Length: 1048576\nContent-Range: bytes 1048576-2097151/#########\n\
         Last-Modified: Mon, ## Oct 2026 ##:##:## GMT\nETag: \"~~~~~~~~-~~~~~~~~~~~~~\"\nAccept-Ranges: bytes\n\
         Cache-Control: public, max-age=31536000, immutable\nConnection: keep-alive\n",
    ),
    (
        "tomcat",
        "HTTP/1.1 200 \nX-Content-Type-Options: nosniff\nX-XSS-Protection: 0\n\
         Cache-Control: no-cache, no-store, max-age=0, must-revalidate\nPragma: no-cache\nExpires: 0\n\
         X-Frame-Options: DENY\nSet-Cookie: JSESSIONID=~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~; Path=/app; HttpOnly\n\
         Content-Type: application/json;charset=UTF-8\nTransfer-Encoding: chunked\n\
         Date: Tue, ## Nov 2026 ##:##:## GMT\nKeep-Alive: timeout=60\nConnection: keep-alive\n",
    ),
    (
        "app-chunked",
        "HTTP/1.1 200 OK\nServer: nginx\nDate: Tue, ## Nov 2026 ##:##:## GMT\n\
         Content-Type: text/html; charset=utf-8\nTransfer-Encoding: chunked\nConnection: keep-alive\n\
         Vary: Accept-Encoding\nCache-Control: max-age=0, private, must-revalidate\n\
         Set-Cookie: _session=~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~; path=/; HttpOnly; SameSite=Lax\n\
         X-Request-Id: ~~~~~~~~-~~~~-~~~~-~~~~-~~~~~~~~~~~~\nX-Runtime: 0.0#####\n\
         Strict-Transport-Security: max-age=63072000; includeSubDomains\nContent-Encoding: gzip\n",
    ),
    (
        "grpc-web",
        "HTTP/1.1 200 OK\nserver: envoy\ndate: Tue, ## Nov 2026 ##:##:## GMT\ncontent-type: application/grpc-web+proto\n\
         grpc-accept-encoding: identity,deflate,gzip\ngrpc-encoding: identity\n\
         access-control-allow-origin: https://app.a.example\naccess-control-allow-credentials: true\n\
         access-control-expose-headers: grpc-status,grpc-message,x-request-id\n\
         x-request-id: ~~~~~~~~-~~~~-~~~~-~~~~-~~~~~~~~~~~~\nx-envoy-upstream-service-time: ##\nvary: Origin\n\
         cache-control: no-store\nstrict-transport-security: max-age=31536000\ntransfer-encoding: chunked\n",
    ),
    (
        "object-store",
        "HTTP/1.1 200 OK\nX-GUploader-UploadID: ~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~\n\
         Expires: Tue, ## Nov 2026 ##:##:## GMT\nDate: Tue, ## Nov 2026 ##:##:## GMT\n\
         Cache-Control: public, max-age=3600\nLast-Modified: Mon, ## Oct 2026 ##:##:## GMT\n\
         ETag: \"~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~\"\nx-goog-generation: ################\n\
         x-goog-metageneration: #\nx-goog-stored-content-encoding: identity\nx-goog-stored-content-length: ######\n\
         Content-Type: image/png\nx-goog-hash: crc32c=~~~~~~==\nx-goog-hash: md5=~~~~~~~~~~~~~~~~~~~~~~==\n\
         x-goog-storage-class: STANDARD\nAccept-Ranges: bytes\nContent-Length: ######\nServer: UploadServer\n\
         Alt-Svc: h3=\":443\"; ma=2592000\n",
    ),
    (
        "api-cors",
        "HTTP/1.1 200 OK\nDate: Tue, ## Nov 2026 ##:##:## GMT\nContent-Type: application/json; charset=utf-8\n\
         Content-Length: ####\nConnection: keep-alive\nAccess-Control-Allow-Origin: https://app.a.example\n\
         Access-Control-Allow-Credentials: true\nAccess-Control-Allow-Methods: GET, POST, PUT, PATCH, DELETE\n\
         Access-Control-Allow-Headers: Authorization, Content-Type, If-Match, X-Requested-With\n\
         Access-Control-Expose-Headers: ETag, Link, Location, Retry-After, X-RateLimit-Limit, X-RateLimit-Remaining\n\
         Access-Control-Max-Age: 86400\nX-RateLimit-Limit: 5000\nX-RateLimit-Remaining: ####\n\
         X-RateLimit-Reset: ##########\nETag: W/\"~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~\"\n\
         Cache-Control: private, max-age=60, s-maxage=60\nVary: Accept, Authorization, Cookie, Origin\n\
         X-Request-Id: ~~~~:~~~~~~:~~~~~~~:~~~~~~~:~~~~~~~~\nServer: api\n",
    ),
    (
        "login-cookies",
        "HTTP/1.1 302 Found\nDate: Tue, ## Nov 2026 ##:##:## GMT\nServer: Apache\n\
         Cache-Control: no-store, no-cache, must-revalidate\nExpires: Thu, 19 Nov 1981 08:52:00 GMT\nPragma: no-cache\n\
         Set-Cookie: PHPSESSID=~~~~~~~~~~~~~~~~~~~~~~~~~~; path=/; domain=.a.example; secure; HttpOnly\n\
         Set-Cookie: remember=~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~%3D; \
         expires=Wed, 23-Dec-2026 ##:##:## GMT; Max-Age=2592000; path=/; secure; HttpOnly; SameSite=Strict\n\
         Set-Cookie: XSRF-TOKEN=~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~; \
         path=/; secure; SameSite=Lax\nSet-Cookie: lang=de; path=/; Max-Age=31536000\n\
         Set-Cookie: guest=deleted; expires=Thu, 01-Jan-1970 00:00:01 GMT; Max-Age=0; path=/; secure; HttpOnly\n\
         Location: https://www.a.example/account?welcome=~~~~~~~~\nContent-Length: #\n\
         Keep-Alive: timeout=5, max=##\nConnection: Keep-Alive\nContent-Type: text/html; charset=UTF-8\n",
    ),
    (
        "cdn-page",
        "HTTP/1.1 200 OK\nDate: Tue, ## Nov 2026 ##:##:## GMT\nContent-Type: text/html; charset=UTF-8\n\
         Transfer-Encoding: chunked\nConnection: keep-alive\nCF-Ray: ~~~~~~~~~~~~~~~~-FRA\n\
         Report-To: {\"endpoints\":[{\"url\":\"https://a.example/report/v4?s=~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~\
         ~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~\"}],\"group\":\"cf-nel\",\"max_age\":604800}\n\
         NEL: {\"success_fraction\":0,\"report_to\":\"cf-nel\",\"max_age\":604800}\nCF-Cache-Status: HIT\nAge: ####\n\
         Cache-Control: public, max-age=14400\nLast-Modified: Mon, ## Oct 2026 ##:##:## GMT\n\
         Link: <https://a.example/~~~~~~~~~~~~~~~~.css>; rel=preload; as=style\nVary: Accept-Encoding\n\
         Strict-Transport-Security: max-age=31536000; preload\nX-Content-Type-Options: nosniff\n\
         X-Frame-Options: SAMEORIGIN\nServer: cloudflare\nAlt-Svc: h3=\":443\"; ma=86400\nContent-Encoding: br\n\
         Server-Timing: cfL4;desc=\"?proto=TCP&rtt=####&min_rtt=####&sent=##&recv=##&cwnd=###&cid=~~~~~~~~~~~~~~~~\"\n",
    ),
    ("policy-and-cookies", ""),
    ("many-short-fields", ""),
];

/// Values with octets of 0x80 and above, or with tabs.
const TEXT: [(&str, &str); 4] = [
    (
        "download-utf8",
        "HTTP/1.1 200 OK\nServer: nginx\nDate: Tue, ## Nov 2026 ##:##:## GMT\nContent-Type: application/pdf\n\
         Content-Length: #####\nContent-Disposition: attachment; filename=\"Geschäftsübersicht für März ####.pdf\"\n\
         ETag: \"~~~~~~~~-~~~~\"\nCache-Control: private\n",
    ),
    (
        "latin-1",
        "HTTP/1.1 404 Page non trouv^e\nDate: Tue, ## Nov 2026 ##:##:## GMT\nServer: Apache\n\
         X-Message: La page demand^e n'a pas ^t^ trouv^e ^ cette adresse\nX-Auteur: Ren^ ~~~~~~~~\n\
         Content-Length: ####\nContent-Type: text/html; charset=iso-8859-1\n",
    ),
    (
        "tabs",
        "HTTP/1.1 200 OK\nDate:\tTue, ## Nov 2026 ##:##:## GMT\nServer:\tZope/(2.1#.#)\tZServer/1.1\n\
         Content-Type:\ttext/html;\tcharset=utf-8\nContent-Length:\t#####\nX-Trace:\tid=~~~~~~~~\tspan=~~~~~~~~\tms=##\n\
         Via:\t1.1 ~~~~~~~~ (squid/5.#)\n",
    ),
    (
        "store-shelf",
        "HTTP/1.1 200 OK\nDate: Tue, ## Nov 2026 ##:##:## GMT\nContent-Type: text/html; charset=utf-8\n\
         Transfer-Encoding: chunked\nX-Title: 東京の本屋 ~~~~ — 新刊と古本\nX-Breadcrumb: Главная\tКниги\tНовинки ####\n\
         X-Author: Gabriel García Márquez, Łukasz ~~~~~~, Søren ~~~~~~~~~~, 村上春樹\n\
         Link: <https://a.example/~~~~~~~~>; rel=next; title=\"Página siguiente\"\n\
         Set-Cookie: _session=~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~; path=/; HttpOnly; SameSite=Lax\n\
         X-Request-Id: ~~~~~~~~-~~~~-~~~~-~~~~-~~~~~~~~~~~~\nCache-Control: max-age=0, private\n",
    ),
];

pub fn plain() -> Vec<Reply> {
    let reply = |(name, template): (&'static str, &str)| {
        let template = match name {
            "policy-and-cookies" => policy_and_cookies(),
            "many-short-fields" => many_short_fields(),
            _ => template.to_string(),
        };
        Reply { name, template }
    };
    PLAIN.into_iter().map(reply).collect()
}

pub fn text() -> Vec<Reply> {
    TEXT.into_iter().map(|(name, template)| Reply { name, template: template.to_string() }).collect()
}

/// One of the plain ones.
pub fn named(name: &str) -> Reply {
    plain().into_iter().find(|reply| reply.name == name).expect("a reply of that name")
}

/// What applications pile up in few long fields.
fn policy_and_cookies() -> String {
    let hosts: String = (0..36).map(|_| " https://~~~~~~~~.cdn.example").collect();
    let mut head = named_template("cdn-page").to_string();
    head += &format!("Content-Security-Policy: default-src 'self'; script-src{hosts}; img-src *\n");
    for name in ["session", "csrf", "experiment", "consent", "region"] {
        let value = "~".repeat(150);
        head += &format!(
            "Set-Cookie: {name}={value}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=31536000\n"
        );
    }
    head
}

/// What proxies and modules pile up in many short ones.
fn many_short_fields() -> String {
    let mut head = named_template("api-cors").to_string();
    for number in 10..80 {
        head += &format!("X-Backend-{number}: node=~~~~; shard=##; cost=#.##\n");
    }
    head
}

fn named_template(name: &str) -> &'static str {
    PLAIN.iter().find(|reply| reply.0 == name).expect("a reply of that name").1
}

/// xorshift64: the same variants in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % bound
    }
}

impl Reply {
    /// The head as it is, or if there are to be more, variants of it: fields in another order, some left out, opaque
    /// values of another length and text. They stay to the end of the program.
    pub fn heads(&self, variants: usize) -> &'static [Vec<u8>] {
        let mut random = Random(0x9e37_79b9_7f4a_7c15);
        (0..variants).map(|_| self.make(variants > 1, &mut random)).collect::<Vec<_>>().leak()
    }

    pub fn head(&self) -> &'static [u8] {
        &self.heads(1)[0]
    }

    fn make(&self, vary: bool, random: &mut Random) -> Vec<u8> {
        let (status_line, fields) = self.template.split_once('\n').expect("a status line");
        let mut fields: Vec<&str> = fields.lines().collect();
        if vary {
            // What decides the framing, and what a Keep-Alive must not be without.
            let kept = ["content-length:", "transfer-encoding:", "connection:"];
            let stays = |field: &str| kept.iter().any(|name| is_named(field, name));
            fields.retain(|field| stays(field) || random.below(8) > 0);
            (1..fields.len()).rev().for_each(|at| fields.swap(at, random.below(at + 1)));
        }
        let mut head = Vec::new();
        for line in [status_line].into_iter().chain(fields) {
            fill(line, vary, random, &mut head);
            head.extend(b"\r\n");
        }
        head.extend(b"\r\n");
        head
    }
}

/// Does the field start with this name and colon?
fn is_named(field: &str, name: &str) -> bool {
    field.get(..name.len()).is_some_and(|front| front.eq_ignore_ascii_case(name))
}

/// Put something in the places of a line that stand for it.
fn fill(line: &str, vary: bool, random: &mut Random, head: &mut Vec<u8>) {
    for byte in line.bytes() {
        match byte {
            b'~' if vary && random.below(8) == 0 => {}
            b'~' => head.push(b"abcdefghijklmnopqrstuvwxyz0123456789"[random.below(36)]),
            b'#' => head.push(b'1' + random.below(9) as u8),
            b'^' => head.push(0xe0 + random.below(22) as u8),
            _ => head.push(byte),
        }
    }
}

/// What any reader must find in a head: the status and the number of fields.
pub fn answer(head: &[u8]) -> (u16, usize) {
    let status = str::from_utf8(&head[9..12]).expect("three digits").parse().expect("three digits");
    let lines = head.windows(2).filter(|two| two == b"\r\n").count();
    (status, lines - 2)
}

/// How the content must be found to be framed.
pub fn framing(head: &[u8]) -> Framing {
    let head_lines = String::from_utf8_lossy(head);
    let value = |name: &str| {
        head_lines.lines().find(|line| is_named(line, name)).map(|line| line[name.len()..].trim())
    };
    match (answer(head).0, value("content-length:")) {
        (204 | 304, _) => Framing::None,
        (_, Some(length)) => Framing::Length(length.parse().expect("a number")),
        _ if value("transfer-encoding:").is_some() => Framing::Chunked,
        _ => Framing::UntilClose,
    }
}

/// Chunks of these sizes, the last chunk included.
pub fn chunked(sizes: &[usize]) -> &'static [u8] {
    let mut body = Vec::new();
    for &size in sizes {
        body.extend(format!("{size:x}\r\n").bytes());
        body.extend((0..size).map(|at| (at * 7) as u8));
        body.extend(b"\r\n");
    }
    body.extend(b"0\r\n\r\n");
    body.leak()
}
