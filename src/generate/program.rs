//! The programs that sign in, and what the service writes about each.
//!
//! Owns: the closed list of clients with their application, resource, client app, platform and
//! scopes. Must not: say when a program runs (see `client`, `legacy`, `noise`, `spray`).

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Client {
    Outlook,
    Owa,
    Teams,
    OneDrive,
    SharePoint,
    Portal,
    OutlookMobile,
    TeamsMobile,
    DeviceCode,
    Script,
    Autodiscover,
    WebServices,
    MapiHttp,
    RpcHttp,
    AddressBook,
    OtherClients,
    ActiveSync,
    Smtp,
    Imap,
    ServicePrincipal,
    ManagedIdentity,
    Audit,
}

/// What a client runs on: decides device, browser and which policies look at it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Platform {
    Browser,
    Desktop,
    Phone,
    /// Basic authentication: the service learns nothing of the device.
    Basic,
}

/// What the service writes about a client.
pub(super) struct Profile {
    pub app: Named,
    pub resource: Named,
    pub client_app: &'static str,
    pub platform: Platform,
    pub scopes: &'static str,
}

/// Id and display name.
type Named = (&'static str, &'static str);

const EXCHANGE: Named = (
    "00000002-0000-0ff1-ce00-000000000000",
    "Office 365 Exchange Online",
);
const SHAREPOINT: Named = (
    "00000003-0000-0ff1-ce00-000000000000",
    "Office 365 SharePoint Online",
);
const PORTAL: Named = (
    "00000006-0000-0ff1-ce00-000000000000",
    "Microsoft Office 365 Portal",
);
const GRAPH: Named = ("00000003-0000-0000-c000-000000000000", "Microsoft Graph");
const TEAMS: Named = ("1fec8e78-bce4-4aaf-ab1b-5451cc387264", "Microsoft Teams");
const TEAMS_SERVICES: Named = (
    "cc15fd57-2c6c-4117-a88c-83b1d56b4bbe",
    "Microsoft Teams Services",
);
const DIRECTORY: Named = (
    "00000002-0000-0000-c000-000000000000",
    "Windows Azure Active Directory",
);
const POWERSHELL: Named = (
    "1b730954-1685-4b74-9bfd-dac224a7b894",
    "Azure Active Directory PowerShell",
);

const MAIL_SCOPES: &str = "AuditLog.Create,Calendars.ReadWrite.Shared,Contacts.ReadWrite.Shared,Exchange.Manage,Mail.ReadWrite,Mail.ReadWrite.Shared,MailboxSettings.ReadWrite,OutlookService.AccessAsUser.All,Place.Read.All,Signals-Internal.ReadWrite,Tags.ReadWrite,Todo-Internal.ReadWrite";
const FILE_SCOPES: &str = "AllSites.FullControl,AllSites.Manage,EnterpriseResource.Read,MyFiles.Write,Sites.FullControl.All,Sites.ReadWrite.All,TaskStore.ReadWrite,User.ReadWrite.All,Container.Selected";
const CHAT_SCOPES: &str = "AppCatalog.Read.All,Channel.ReadBasic.All,Contacts.ReadWrite.Shared,InformationProtectionPolicy.Read,Organization.Read.All,Presence.ReadWrite,TeamsTab.ReadWriteForChat,User.ReadWrite,VirtualAppointment.Read,user_impersonation";
const PROFILE_SCOPES: &str = "email,openid,profile,offline_access,User.Read,Directory.Read.All,GroupMember.Read.All,Organization.Read.All";

impl Client {
    pub fn profile(self) -> Profile {
        Profile {
            app: self.app(),
            resource: self.resource(),
            client_app: self.client_app(),
            platform: self.platform(),
            scopes: self.scopes(),
        }
    }

    /// With basic authentication the service itself is the client.
    fn app(self) -> Named {
        use Client::*;
        match self {
            Outlook => ("d3590ed6-52b3-4102-aeff-aad2292ab01c", "Microsoft Office"),
            Owa => ("9199bf20-a13f-4107-85dc-02114787ef48", "One Outlook Web"),
            Teams | TeamsMobile => TEAMS,
            OneDrive => (
                "ab9b8c07-8f02-4f72-87fa-80105867a763",
                "OneDrive SyncEngine",
            ),
            SharePoint => SHAREPOINT,
            Portal => PORTAL,
            OutlookMobile => ("27922004-5251-4030-b22d-91ecd9a37ea4", "Outlook Mobile"),
            DeviceCode => (
                "04b07795-8ddb-461a-bbee-02f9e1bf7b46",
                "Microsoft Azure CLI",
            ),
            Script => POWERSHELL,
            Autodiscover | WebServices | MapiHttp | RpcHttp | AddressBook | OtherClients
            | ActiveSync | Smtp | Imap => EXCHANGE,
            ServicePrincipal | ManagedIdentity | Audit => ("", ""),
        }
    }

    fn resource(self) -> Named {
        use Client::*;
        match self {
            Outlook | Owa | OutlookMobile | Autodiscover | WebServices | MapiHttp | RpcHttp
            | AddressBook | OtherClients | ActiveSync | Smtp | Imap => EXCHANGE,
            Teams | TeamsMobile => TEAMS_SERVICES,
            OneDrive | SharePoint => SHAREPOINT,
            Portal | DeviceCode | ServicePrincipal | ManagedIdentity | Audit => GRAPH,
            Script => DIRECTORY,
        }
    }

    fn client_app(self) -> &'static str {
        use Client::*;
        match self {
            Owa | SharePoint | Portal => "Browser",
            Outlook | Teams | OneDrive | OutlookMobile | TeamsMobile | DeviceCode | Script => {
                "Mobile Apps and Desktop clients"
            }
            Autodiscover => "AutoDiscover",
            WebServices => "Exchange Web Services",
            MapiHttp => "MAPI Over HTTP",
            RpcHttp => "Outlook Anywhere (RPC over HTTP)",
            AddressBook => "Offline Address Book",
            OtherClients => "Other clients",
            ActiveSync => "Exchange ActiveSync",
            Smtp => "Authenticated SMTP",
            Imap => "IMAP4",
            ServicePrincipal | ManagedIdentity | Audit => "",
        }
    }

    fn platform(self) -> Platform {
        use Client::*;
        match self {
            Owa | SharePoint | Portal => Platform::Browser,
            Outlook | Teams | OneDrive | DeviceCode | Script => Platform::Desktop,
            OutlookMobile | TeamsMobile => Platform::Phone,
            Autodiscover | WebServices | MapiHttp | RpcHttp | AddressBook | OtherClients
            | ActiveSync | Smtp | Imap | ServicePrincipal | ManagedIdentity | Audit => {
                Platform::Basic
            }
        }
    }

    fn scopes(self) -> &'static str {
        use Client::*;
        match self {
            Outlook | Owa | OutlookMobile => MAIL_SCOPES,
            OneDrive | SharePoint => FILE_SCOPES,
            Teams | TeamsMobile => CHAT_SCOPES,
            Portal | DeviceCode | Script => PROFILE_SCOPES,
            Autodiscover | WebServices | MapiHttp | RpcHttp | AddressBook | OtherClients
            | ActiveSync | Smtp | Imap | ServicePrincipal | ManagedIdentity | Audit => "",
        }
    }
}
