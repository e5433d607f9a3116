"""Audit messages of a picture archive, as other systems send them: DICOM audit XML in syslog frames over TCP."""
import datetime
import socket
import time

SOURCES = "取込み元番号,名称,形式,送信元\nPACS,画像サーバ,ATNA（syslog）,127.0.0.1\n"


def message(n):
    today = datetime.date.today().isoformat()
    return (
        f'<AuditMessage><EventIdentification EventActionCode="R" EventDateTime="{today}T09:{n // 60 % 60:02}:{n % 60:02}+09:00" '
        f'EventOutcomeIndicator="0"><EventID csd-code="110103" codeSystemName="DCM" originalText="DICOM Instances Accessed"/>'
        f'</EventIdentification><ActiveParticipant UserID="u{n % 7}" UserName="架空 {n % 7}" UserIsRequestor="true" '
        f'NetworkAccessPointID="10.0.0.{n % 200}" NetworkAccessPointTypeCode="2"/><AuditSourceIdentification AuditSourceID="PACS"/>'
        f'<ParticipantObjectIdentification ParticipantObjectID="P{n:05}" ParticipantObjectTypeCode="1" ParticipantObjectTypeCodeRole="1">'
        f'<ParticipantObjectIDTypeCode csd-code="2" codeSystemName="RFC-3881" originalText="Patient Number"/>'
        f'<ParticipantObjectName>x</ParticipantObjectName></ParticipantObjectIdentification></AuditMessage>'
    )


def send(port, numbers):
    until = time.time() + 20
    while True:
        try:
            stream = socket.create_connection(("127.0.0.1", port))
            break
        except OSError:
            if time.time() > until:
                raise
            time.sleep(0.2)
    with stream:
        for n in numbers:
            line = f"<85>1 2026-11-28T02:00:00.003Z pacs1 audit 77 IHE+RFC-3881 - {message(n)}".encode()
            stream.sendall(f"{len(line)} ".encode() + line)
