//! The journal on the command line: looking, sealing, proving, verifying, and who else keeps its heads.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Result;
use app::{Grade, Sealed, StampRequest};
use clap::{Subcommand, ValueEnum};
use domain::unrecorded::Class;

use super::{Context, read_file, retention, say, write_file};

/// Longest file that is read here, in bytes: heads, proofs, replies and certificates are far shorter.
const HANDED: usize = 1 << 20;

/// 操作記録
#[derive(Debug, Subcommand)]
pub(crate) enum Journal {
    /// 新しい順に見る
    List {
        /// 件数
        #[arg(long, value_name = "件数", default_value_t = 50)]
        limit: i64,
    },
    /// 改ざん・欠落がないか確かめる
    Verify {
        /// ほかの場所にある控え：紙の一行、または印・写し・証明のファイル
        #[arg(long, value_name = "控え")]
        since: Option<String>,
    },
    /// アクセス記録の索引を、操作記録から作り直す
    Reindex,
    /// 記録を封印し、控えておく一行（印）を表示する
    Seal,
    /// 記録できないときに続けてよい操作を見る・決める
    OnFailure {
        /// 操作の種類
        #[arg(value_name = "種類", value_parser = ["care", "export", "administration", "emergency"], requires = "choice")]
        class: Option<String>,
        /// 断る（refuse）か、空白を記録して続ける（allow）か
        #[arg(value_name = "扱い", value_parser = ["refuse", "allow"])]
        choice: Option<String>,
    },
    Retention(retention::Retention),
    #[command(subcommand)]
    Hold(retention::Hold),
    Prune(retention::Prune),
    /// 封印と鍵をなくしたとき、次から新しい封印を始める。前の封印とはつながらない
    BeginAnew,
    /// 封印を、データフォルダからS3互換の保管庫（bucket.toml）に移す。サーバを止めているとき
    Move,
    /// 封印を確かめるための公開鍵を表示する
    Key,
    /// 紙に控える一行を表示し、控えたことを記録する
    Print,
    /// 印の預け先（証人と時刻認証局）を登録・一覧する
    #[command(subcommand)]
    Keeper(Keeper),
    /// 時刻認証（RFC 3161）をファイルで受ける。ネットワークにつながらないときに使います
    Stamp {
        /// 要求のファイル。返事がなければ作り、あればこの要求への返事として確かめる
        #[arg(long, value_name = "ファイル")]
        request: PathBuf,
        /// 時刻認証局の返事
        #[arg(long, value_name = "ファイル", requires = "authority")]
        reply: Option<PathBuf>,
        /// 時刻認証局の証明書（PEM）
        #[arg(long, value_name = "ファイル")]
        authority: Option<PathBuf>,
    },
    /// 封印した記録の写しを書き出す。内容は読めず、ほかの人の道具で確かめられる（C2SP tlog-tiles）
    Copy {
        /// 書き出すフォルダ
        #[arg(value_name = "フォルダ")]
        folder: PathBuf,
    },
    /// 一つの記録の証明を書き出す。公開鍵だけで、だれでも確かめられる
    Prove {
        /// 記録の番号
        #[arg(value_name = "番号")]
        seq: u64,
        /// 書き出すファイル
        #[arg(long, short, value_name = "ファイル")]
        out: PathBuf,
        /// 伏せる項目（actor、subject、details.reason など）
        #[arg(long, value_name = "項目", value_delimiter = ',')]
        withhold: Vec<String>,
    },
}

impl Journal {
    pub(crate) async fn run(self, context: &Context) -> Result<ExitCode> {
        match self {
            Self::List { limit } => {
                let facility = match context.wanted {
                    Some(_) => Some(context.facility().await?.id),
                    None => None,
                };
                for entry in context.app.store.journal_list(facility.as_deref(), limit).await? {
                    say(entry);
                }
            }
            Self::Verify { since } => return verify(context, since.as_deref()).await,
            Self::Reindex => {
                let count = context.app.store.access_reindex().await?;
                say(format!("アクセス記録{count}件の索引を、操作記録から作り直しました。"));
            }
            Self::Seal => {
                let mut sealer = context.app.sealer(context.folder()?).await?;
                match context.app.seal(&mut sealer).await? {
                    Some(head) => {
                        say(format!("封印　：{}件", head.size));
                        say(format!("印　　：{}", head.root));
                        say(format!("記録名：{}", head.origin));
                        say("この三行を紙に控えてください。あとで末尾が消されても、控えと比べれば分かります。");
                    }
                    None => say("操作記録がまだありません。"),
                }
            }
            Self::OnFailure { class, choice } => on_failure(context, class.as_deref(), choice.as_deref()).await?,
            Self::Retention(command) => command.run(context).await?,
            Self::Hold(command) => command.run(context).await?,
            Self::Prune(command) => command.run(context).await?,
            Self::BeginAnew => {
                context.app.begin_log_anew(&context.actor).await?;
                say("次の封印から、新しい封印になります。この操作は記録に残りました。");
            }
            Self::Move => {
                let head = context.app.move_log(&context.actor, context.folder()?).await?;
                say(format!(
                    "封印を移しました：{}件まで。元のフォルダは log.moved という名前で残してあります。",
                    head.size
                ));
            }
            Self::Key => say(context.app.log_key(context.folder()?)?),
            Self::Print => match context.app.paper_head(&context.actor, "", &context.data).await? {
                Some((head, line)) => {
                    say(line);
                    say(format!("印（8桁ずつ）：{}", head.grouped()));
                    say("この一行を紙に控えてください。確かめるとき：sakimori journal verify --since '控えた一行'");
                }
                None => say("まだ封印されていません。sakimori journal seal で封印してください。"),
            },
            Self::Keeper(command) => command.run(context).await?,
            Self::Stamp { request, reply, authority } => stamp(context, &request, reply, authority).await?,
            Self::Copy { folder } => {
                let mut sealer = context.app.sealer(context.folder()?).await?;
                let Some(head) = context.app.seal(&mut sealer).await? else {
                    say("操作記録がまだありません。");
                    return Ok(ExitCode::SUCCESS);
                };
                context.app.copy_log(&sealer, &folder).await?;
                say(format!("写し：{}（{}件まで）", folder.display(), head.size));
                say(format!("鍵　：{}", context.app.log_key(context.folder()?)?));
            }
            Self::Prove { seq, out, withhold } => {
                let mut sealer = context.app.sealer(context.folder()?).await?;
                context.app.seal(&mut sealer).await?;
                let proof = context.app.prove(&mut sealer, seq, &withhold).await?;
                write_file(&out, proof.as_bytes())?;
                say(format!("証明：{}", out.display()));
                say(format!(
                    "確かめ方：sakimori verify {} --key '{}'",
                    out.display(),
                    context.app.log_key(context.folder()?)?
                ));
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Decides what becomes of acts that cannot be recorded, and shows it.
async fn on_failure(context: &Context, class: Option<&str>, choice: Option<&str>) -> Result<()> {
    context.app.refresh_decisions().await?;
    if let (Some(class), Some(choice)) = (class.and_then(Class::parse), choice) {
        context.app.decide_unrecorded(&context.actor, &[(class, choice == "allow")]).await?;
    }
    for class in Class::all() {
        let becomes = if context.app.goes_on(class) { "続けて、空白を記録する" } else { "断る" };
        say(format!("{:<15}{}：{becomes}", class.code(), class.label().in_lang(context.lang)));
    }
    Ok(())
}

/// Checks the chain in the database, then the log in the data folder beside it.
async fn verify(context: &Context, since: Option<&str>) -> Result<ExitCode> {
    match context.app.store.journal_verify().await? {
        Ok(last) => {
            let gone = context.app.store.journal_floor().await?.seq;
            if gone > 0 {
                say(format!("{gone}番までの記録は、保存期間が過ぎたため処分されています（処分の記録があります）。"));
            }
            say(format!("操作記録{}件を確かめました。改ざん・欠落は見つかりません。", last - gone));
        }
        Err(fault) => {
            say(fault.to_string());
            return Ok(ExitCode::from(1));
        }
    }
    let known = match since {
        Some(since) => Some(context.app.known_head(&context.data, &given(since)?)?),
        None => None,
    };
    let compared = known.is_some();
    match context.app.sealed(&context.data, known).await? {
        Sealed::Never => say("封印はまだありません。sakimori journal seal か、サーバを始めると封印します。"),
        Sealed::Holds { head, staged } => {
            say(format!("封印した{}件は、封印したときのままです。まだ封印していない記録は{staged}件です。", head.size));
            say(format!("印：{}（{}）", head.root, head.origin));
            if compared {
                say("控えと合いました。控えたときの記録は、いまも変わらずに入っています。");
            }
            kept(context).await?;
        }
        broken @ (Sealed::Broken { .. } | Sealed::Revived { .. } | Sealed::Another { .. }) => {
            say(broken.fault().unwrap_or_default());
            return Ok(ExitCode::from(1));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// What was given to compare with: the file of this name, the head in a folder of this name, or the words themselves.
fn given(since: &str) -> Result<Vec<u8>> {
    let path = Path::new(since);
    if path.is_dir() {
        return read_file(&path.join("checkpoint"), HANDED);
    }
    if path.is_file() { read_file(path, HANDED) } else { Ok(since.as_bytes().to_vec()) }
}

/// Says who else has heads, and what that means.
async fn kept(context: &Context) -> Result<()> {
    let kept = context.app.kept_heads().await?;
    for grade in Grade::ALL {
        let Some(newest) = kept.iter().find(|kept| kept.grade == grade) else { continue };
        let at = domain::jp::time_in_japan(newest.at).strftime("%Y-%m-%d %H:%M").to_string();
        let old = if newest.fresh { "" } else { "（古くなっています）" };
        say(format!("{}：{}件まで　{at}　{}{old}", Place::of(grade), newest.head.size, newest.name));
    }
    if kept.is_empty() {
        say(
            "ほかの場所に控えがありません。記録と封印の末尾が一緒に消されても、見つけられません。紙に控える（journal print）か、証人か時刻認証局に預けて（journal keeper add）ください。",
        );
    }
    Ok(())
}

async fn stamp(context: &Context, request: &Path, reply: Option<PathBuf>, authority: Option<PathBuf>) -> Result<()> {
    // The head that the request is about; the log goes on meanwhile.
    let head = request.with_extension("checkpoint");
    let (Some(reply), Some(authority)) = (reply, authority) else {
        let Some(asked) = context.app.stamp_request(&context.data).await? else {
            say("まだ封印されていません。sakimori journal seal で封印してください。");
            return Ok(());
        };
        write_file(request, &asked.request)?;
        write_file(&head, &asked.note)?;
        say(format!("要求：{}", request.display()));
        say(format!("印　：{}（返事を受け取るまで、要求と一緒に置いてください）", head.display()));
        return Ok(());
    };
    let asked = StampRequest { request: read_file(request, HANDED)?, note: read_file(&head, HANDED)? };
    let authority = String::from_utf8_lossy(&read_file(&authority, HANDED)?).into_owned();
    let (at, name) =
        context.app.stamped(&context.actor, &context.data, &asked, &read_file(&reply, HANDED)?, &authority).await?;
    say(format!("時刻認証を受け取りました：{at}　{name}"));
    Ok(())
}

/// Where a head is given to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Place {
    /// 自院の証人（別のコンピュータの sakimori witness）
    Own,
    /// ほかの人の証人
    Foreign,
    /// 時刻認証局（RFC 3161）
    Stamp,
}

impl Place {
    fn grade(self) -> Grade {
        match self {
            Self::Own => Grade::Own,
            Self::Foreign => Grade::Foreign,
            Self::Stamp => Grade::Stamp,
        }
    }

    fn of(grade: Grade) -> &'static str {
        match grade {
            Grade::Own => "自院の証人",
            Grade::Foreign => "外部の証人",
            Grade::Stamp => "時刻認証　",
            Grade::Paper => "紙の控え　",
        }
    }
}

/// 印の預け先
#[derive(Debug, Subcommand)]
pub(crate) enum Keeper {
    /// 登録する。サーバが動いている間、自動で預けます
    Add {
        /// 預け先の種類
        #[arg(value_enum, value_name = "種類")]
        place: Place,
        /// アドレス（`https://witness.example:8444` など）
        #[arg(value_name = "アドレス")]
        url: String,
        /// 証人の公開鍵（一行）、または時刻認証局の証明書（PEM）のファイル
        #[arg(long, value_name = "鍵かファイル")]
        trust: String,
        /// https のとき、相手の証明書を発行した認証局の証明書（PEM）
        #[arg(long, value_name = "ファイル")]
        tls: Option<PathBuf>,
    },
    /// 一覧する
    List,
    /// 預けるのをやめる。預けた控えは残ります
    Remove {
        /// 一覧に出る識別子
        #[arg(value_name = "識別子")]
        id: String,
    },
}

impl Keeper {
    async fn run(self, context: &Context) -> Result<()> {
        let text = |path: &Path| read_file(path, HANDED).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        match self {
            Self::Add { place, url, trust, tls } => {
                let trust = if Path::new(&trust).is_file() { text(Path::new(&trust))? } else { trust };
                let tls = tls.as_deref().map(text).transpose()?.unwrap_or_default();
                context.app.keeper_add(&context.actor, place.grade(), &url, &trust, &tls).await?;
                say(format!("{}を登録しました：{url}", Place::of(place.grade()).trim_end()));
            }
            Self::List => {
                for keeper in context.app.keepers().await? {
                    say(format!("{}　{}　{}", keeper.id, Place::of(keeper.grade), keeper.url));
                }
                kept(context).await?;
            }
            Self::Remove { id } => {
                context.app.keeper_remove(&context.actor, &id).await?;
                say("預けるのをやめました。");
            }
        }
        Ok(())
    }
}
